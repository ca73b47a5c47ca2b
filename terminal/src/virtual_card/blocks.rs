//! Long data sent in numbered blocks (STORE DATA, IMPORT KEY, KIOSK RECORD).

use zeroize::Zeroizing;

use super::apdu::Status;

/// What all blocks together may hold, in bytes.
pub const MAX_TOTAL: usize = 4_096;

/// Blocks received so far, of one kind of data at a time.
#[derive(Default)]
pub struct Blocks {
    tag: u8,
    next: u8,
    data: Zeroizing<Vec<u8>>,
}

impl Blocks {
    /// Takes the next block; returns everything when it was the last (`tag` with bit 8 set).
    ///
    /// # Errors
    /// `6985` for a block out of order, `6A84` when there is no room; what was received is dropped.
    pub fn take(
        &mut self,
        p1: u8,
        number: u8,
        block: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Status> {
        let tag = p1 & 0x7F;
        if number == 0 {
            // Reserved at once: growing would leave copies of a private key behind.
            *self = Blocks {
                tag,
                next: 0,
                data: Zeroizing::new(Vec::with_capacity(MAX_TOTAL)),
            };
        } else if tag != self.tag || number != self.next {
            *self = Blocks::default();
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        if self.data.len() + block.len() > MAX_TOTAL {
            *self = Blocks::default();
            return Err(Status::NO_ROOM);
        }
        self.data.extend_from_slice(block);
        if p1 & 0x80 != 0 {
            return Ok(Some(std::mem::take(self).data));
        }
        match self.next.checked_add(1) {
            Some(next) => self.next = next,
            None => {
                *self = Blocks::default();
                return Err(Status::NO_ROOM);
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_in_order_come_out_whole() {
        let mut blocks = Blocks::default();
        assert!(blocks.take(1, 0, b"ab").is_ok_and(|whole| whole.is_none()));
        assert!(blocks.take(1, 1, b"cd").is_ok_and(|whole| whole.is_none()));
        assert_eq!(
            blocks
                .take(0x81, 2, b"e")
                .ok()
                .flatten()
                .as_deref()
                .map(Vec::as_slice),
            Some(&b"abcde"[..])
        );
        assert_eq!(
            blocks
                .take(0x81, 0, b"x")
                .ok()
                .flatten()
                .as_deref()
                .map(Vec::as_slice),
            Some(&b"x"[..])
        );
    }

    #[test]
    fn a_block_out_of_order_or_of_other_data_drops_what_came_before() {
        for (tag, number) in [(1, 2), (1, 3), (2, 1), (0x82, 1)] {
            let mut blocks = Blocks::default();
            blocks.take(1, 0, b"ab").expect("first");
            assert_eq!(
                blocks.take(tag, number, b"cd"),
                Err(Status::CONDITIONS_NOT_SATISFIED)
            );
            assert_eq!(
                blocks.take(1, 1, b"cd"),
                Err(Status::CONDITIONS_NOT_SATISFIED)
            );
        }
        assert_eq!(
            Blocks::default().take(1, 1, b"cd"),
            Err(Status::CONDITIONS_NOT_SATISFIED)
        );
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let mut blocks = Blocks::default();
        let fault = (0..=255).find_map(|number| blocks.take(1, number, &[0; 200]).err());
        assert_eq!(fault, Some(Status::NO_ROOM));
        assert!(blocks.data.is_empty());
        let mut blocks = Blocks::default();
        let fault = (0..=255).find_map(|number| blocks.take(1, number, &[]).err());
        assert_eq!(fault, Some(Status::NO_ROOM));
    }
}
