//! The octets of a file as a response's body: read piece by piece off the server's threads, so that
//! a list of many megabytes takes none of its memory.

use std::{
    fs::File,
    future::Future,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_web::{
    body::{BodySize, MessageBody},
    rt::task::{JoinHandle, spawn_blocking},
    web::Bytes,
};

/// Octets that are read at once.
const PIECE: u64 = 128 * 1024;

/// A part of a file.
pub struct FileBody {
    file: Arc<File>,
    size: u64,
    left: Range<u64>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileBody {
    /// These octets of the file, all of which it has.
    pub fn new(file: File, octets: Range<u64>) -> Self {
        Self {
            file: Arc::new(file),
            size: octets.end - octets.start,
            left: octets,
            reading: None,
        }
    }
}

impl MessageBody for FileBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.size)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.reading.is_none() {
            let at = self.left.start;
            let length = PIECE.min(self.left.end - at);
            if length == 0 {
                return Poll::Ready(None);
            }
            let file = Arc::clone(&self.file);
            self.left.start += length;
            self.reading = Some(spawn_blocking(move || {
                let mut piece = vec![0; length as usize];
                file.read_exact_at(&mut piece, at)?;
                Ok(piece.into())
            }));
        }
        let Some(reading) = self.reading.as_mut() else {
            return Poll::Ready(None);
        };
        let read = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        Poll::Ready(Some(
            read.unwrap_or_else(|error| Err(io::Error::other(error))),
        ))
    }
}
