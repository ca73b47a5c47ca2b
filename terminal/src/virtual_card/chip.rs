//! An image in memory together with the medium it is kept on.

use zeroize::Zeroizing;

use super::apdu::Status;
use super::image::{Image, OperatorImage, ResidentImage};
use super::memory::Memory;

/// Why a card does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The medium cannot be read; see whether another program has the card.
    #[error("the card's memory cannot be read")]
    Memory(#[from] std::io::Error),
    /// Not a card's image, or one of another version; make a new card.
    #[error("this is not the image of a card")]
    Image(#[from] serde_json::Error),
}

/// A card's image, changed only by [`Chip::commit`].
pub struct Chip<I> {
    image: I,
    memory: Box<dyn Memory>,
    failed: bool,
}

/// Bytes of an image as they are kept.
///
/// # Errors
/// None that a card's image could cause.
pub fn encode(image: &Image) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
    // Room enough for any card, so that growing leaves no copies of secrets behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
    serde_json::to_writer(&mut *bytes, image)?;
    Ok(bytes)
}

/// The image of one kind of card.
pub trait CardImage: Clone {
    /// With the kind said.
    fn into_image(self) -> Image;
    /// None when it is of another kind.
    fn from_image(image: Image) -> Option<Self>;
}

impl CardImage for ResidentImage {
    fn into_image(self) -> Image {
        Image::Resident(Box::new(self))
    }
    fn from_image(image: Image) -> Option<Self> {
        if let Image::Resident(image) = image {
            Some(*image)
        } else {
            None
        }
    }
}

impl CardImage for OperatorImage {
    fn into_image(self) -> Image {
        Image::Operator(Box::new(self))
    }
    fn from_image(image: Image) -> Option<Self> {
        if let Image::Operator(image) = image {
            Some(*image)
        } else {
            None
        }
    }
}

impl<I: CardImage> Chip<I> {
    /// A chip whose image was read from this memory.
    pub fn new(image: I, memory: Box<dyn Memory>) -> Chip<I> {
        Chip {
            image,
            memory,
            failed: false,
        }
    }

    /// What the card holds.
    pub fn image(&self) -> &I {
        &self.image
    }

    /// Whether a write failed since the last start.
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// Changes the image, durably and in one step.
    ///
    /// # Errors
    /// `6581`: it is not known whether the change is there; the chip answers
    /// nothing more until [`Chip::restart`].
    pub fn commit(&mut self, change: impl FnOnce(&mut I)) -> Result<(), Status> {
        let mut next = self.image.clone();
        change(&mut next);
        let written = encode(&next.clone().into_image())
            .map_err(std::io::Error::other)
            .and_then(|bytes| self.memory.write(&bytes));
        if let Err(error) = written {
            tracing::error!(%error, "the card's memory could not be written");
            self.failed = true;
            return Err(Status::MEMORY_FAULT);
        }
        self.image = next;
        Ok(())
    }

    /// Power on or reset: after a failed write the image is read again.
    pub fn restart(&mut self) {
        if !self.failed {
            return;
        }
        let read = self
            .memory
            .read()
            .map_err(StartFault::from)
            .and_then(|bytes| Ok(serde_json::from_slice(&bytes)?));
        match read.map(I::from_image) {
            Ok(Some(image)) => {
                self.image = image;
                self.failed = false;
            }
            Ok(None) => tracing::error!("the card's memory holds a card of another kind"),
            Err(error) => tracing::error!(%error, "the card's memory could not be read"),
        }
    }
}
