//! Commands and answers of ISO 7816-4, short and extended.

/// A status word (ISO 7816-4 §5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    /// Done.
    pub const OK: Status = Status(0x9000);
    /// EXTERNAL AUTHENTICATE failed (GlobalPlatform).
    pub const AUTHENTICATION_FAILED: Status = Status(0x6300);
    /// The non-volatile memory could not be written; nothing else until reset.
    pub const MEMORY_FAULT: Status = Status(0x6581);
    /// Lengths that do not fit.
    pub const WRONG_LENGTH: Status = Status(0x6700);
    /// Another logical channel than the basic one.
    pub const NO_LOGICAL_CHANNELS: Status = Status(0x6881);
    /// Secure messaging where there is none.
    pub const NO_SECURE_MESSAGING: Status = Status(0x6882);
    /// Command chaining.
    pub const NO_CHAINING: Status = Status(0x6884);
    /// The selected file is not of the kind this command is for.
    pub const WRONG_FILE_KIND: Status = Status(0x6981);
    /// Password not verified, or the secure channel does not hold.
    pub const SECURITY_NOT_SATISFIED: Status = Status(0x6982);
    /// No tries left.
    pub const BLOCKED: Status = Status(0x6983);
    /// Reference data not usable: the JPKI card's word for a blocked password.
    pub const REFERENCE_UNUSABLE: Status = Status(0x6984);
    /// Not at this step.
    pub const CONDITIONS_NOT_SATISFIED: Status = Status(0x6985);
    /// No file is selected.
    pub const NO_FILE_SELECTED: Status = Status(0x6986);
    /// The data field does not hold what it must.
    pub const WRONG_DATA: Status = Status(0x6A80);
    /// No such file or application.
    pub const NOT_FOUND: Status = Status(0x6A82);
    /// More than the card has room for.
    pub const NO_ROOM: Status = Status(0x6A84);
    /// P1 or P2.
    pub const WRONG_PARAMETERS: Status = Status(0x6A86);
    /// No such data object or key set.
    pub const NO_SUCH_DATA: Status = Status(0x6A88);
    /// Offset past the end of the file.
    pub const WRONG_OFFSET: Status = Status(0x6B00);
    /// Instruction not known here.
    pub const UNKNOWN_INSTRUCTION: Status = Status(0x6D00);
    /// Class not known.
    pub const UNKNOWN_CLASS: Status = Status(0x6E00);
    /// The card's own check failed; nothing leaves it.
    pub const INTERNAL_FAULT: Status = Status(0x6F00);

    /// `63Cx`: wrong, or the question how many tries are left.
    pub fn tries_left(tries: u8) -> Status {
        Status(0x63C0 | u16::from(tries.min(15)))
    }

    /// `61xx`: this many bytes (256 written as 0) wait for GET RESPONSE.
    pub fn more(bytes: usize) -> Status {
        Status(0x6100 | u16::try_from(bytes).ok().filter(|n| *n < 256).unwrap_or(0))
    }

    /// Whether an answer with this status carries data and an R-MAC in a
    /// secure channel (Amendment D §6.2.5: success and warnings do, errors do not).
    pub fn is_protected(self) -> bool {
        self == Status::OK || matches!(self.0 >> 8, 0x62 | 0x63)
    }
}

/// What the card answers: data and a status word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The data field; empty with an error status.
    pub data: Vec<u8>,
    /// The trailer.
    pub status: Status,
}

impl Answer {
    /// `9000` with data.
    pub fn data(data: impl Into<Vec<u8>>) -> Answer {
        Answer {
            data: data.into(),
            status: Status::OK,
        }
    }

    /// `9000` alone.
    pub fn ok() -> Answer {
        Status::OK.into()
    }

    /// Data and SW1 SW2 as they go over the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.data.clone();
        bytes.extend_from_slice(&self.status.0.to_be_bytes());
        bytes
    }
}

impl From<Status> for Answer {
    fn from(status: Status) -> Self {
        Answer {
            data: Vec::new(),
            status,
        }
    }
}

/// What one instruction comes to.
pub type Outcome = Result<Answer, Status>;

/// A command, taken apart.
#[derive(Clone, Copy)]
pub struct Command<'a> {
    /// Class byte.
    pub cla: u8,
    /// Instruction byte.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
    /// Data field, up to 65,535 bytes.
    pub data: &'a [u8],
    /// How many bytes of answer are expected at most (1–65,536); none when Le is absent.
    pub le: Option<usize>,
    /// Whether the extended form was used.
    pub extended: bool,
}

impl<'a> Command<'a> {
    /// Takes a command APDU apart (ISO 7816-3 §12.1, cases 1 to 4 in both forms).
    ///
    /// # Errors
    /// `6700` when the lengths do not add up.
    pub fn parse(apdu: &'a [u8]) -> Result<Self, Status> {
        let [cla, ins, p1, p2, body @ ..] = apdu else {
            return Err(Status::WRONG_LENGTH);
        };
        let command = |data, le, extended| Command {
            cla: *cla,
            ins: *ins,
            p1: *p1,
            p2: *p2,
            data,
            le,
            extended,
        };
        let short_le = |byte: u8| Some(if byte == 0 { 256 } else { usize::from(byte) });
        let long_le = |high: u8, low: u8| {
            let le = u16::from_be_bytes([high, low]);
            Some(if le == 0 { 65_536 } else { usize::from(le) })
        };
        match body {
            [] => Ok(command(&[], None, false)),
            [le] => Ok(command(&[], short_le(*le), false)),
            [0, high, low] => Ok(command(&[], long_le(*high, *low), true)),
            [0, high, low, rest @ ..] => {
                let lc = usize::from(u16::from_be_bytes([*high, *low]));
                if lc == 0 {
                    return Err(Status::WRONG_LENGTH);
                }
                match rest.split_at_checked(lc) {
                    Some((data, [])) => Ok(command(data, None, true)),
                    Some((data, [high, low])) => Ok(command(data, long_le(*high, *low), true)),
                    _ => Err(Status::WRONG_LENGTH),
                }
            }
            [0, ..] => Err(Status::WRONG_LENGTH),
            [lc, rest @ ..] => match rest.split_at_checked(usize::from(*lc)) {
                Some((data, [])) => Ok(command(data, None, false)),
                Some((data, [le])) => Ok(command(data, short_le(*le), false)),
                _ => Err(Status::WRONG_LENGTH),
            },
        }
    }

    /// `Ok` when the command has no data field.
    pub fn without_data(&self) -> Result<(), Status> {
        if self.data.is_empty() {
            Ok(())
        } else {
            Err(Status::WRONG_LENGTH)
        }
    }

    /// `Ok` when P1 and P2 are these.
    pub fn with_parameters(&self, p1: u8, p2: u8) -> Result<(), Status> {
        if (self.p1, self.p2) == (p1, p2) {
            Ok(())
        } else {
            Err(Status::WRONG_PARAMETERS)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(apdu: &[u8]) -> Option<(usize, Option<usize>, bool)> {
        Command::parse(apdu)
            .ok()
            .map(|c| (c.data.len(), c.le, c.extended))
    }

    #[test]
    fn all_seven_cases_are_taken_apart() {
        assert_eq!(parts(&[0, 0x20, 0, 0x80]), Some((0, None, false)));
        assert_eq!(parts(&[0, 0xB0, 0, 0, 0]), Some((0, Some(256), false)));
        assert_eq!(parts(&[0, 0xB0, 0, 0, 4]), Some((0, Some(4), false)));
        assert_eq!(parts(&[0, 0xA4, 2, 0x0C, 2, 0, 1]), Some((2, None, false)));
        assert_eq!(
            parts(&[0, 0xA4, 2, 0x0C, 2, 0, 1, 0]),
            Some((2, Some(256), false))
        );
        assert_eq!(
            parts(&[0x80, 0xCA, 0, 3, 0, 0, 0]),
            Some((0, Some(65_536), true))
        );
        assert_eq!(
            parts(&[0x80, 0xDA, 0, 3, 0, 0, 2, 7, 7]),
            Some((2, None, true))
        );
        assert_eq!(
            parts(&[0x80, 0xDA, 0, 3, 0, 0, 2, 7, 7, 1, 0]),
            Some((2, Some(256), true))
        );
    }

    #[test]
    fn lengths_that_do_not_add_up_are_6700() {
        for bad in [
            &[][..],
            &[0, 0x20, 0],
            &[0, 0x20, 0, 0x80, 3, 1, 2],
            &[0, 0x20, 0, 0x80, 1, 1, 2, 3],
            &[0, 0x20, 0, 0x80, 0, 1],
            &[0, 0x20, 0, 0x80, 0, 0, 0, 1],
            &[0, 0x20, 0, 0x80, 0, 0, 2, 1],
            &[0, 0x20, 0, 0x80, 0, 0, 1, 1, 0],
            &[0, 0x20, 0, 0x80, 0, 0, 1, 1, 0, 0, 0],
        ] {
            assert_eq!(
                Command::parse(bad).err(),
                Some(Status::WRONG_LENGTH),
                "{bad:02X?}"
            );
        }
    }

    #[test]
    fn only_success_and_warnings_are_protected() {
        for (status, protected) in [
            (0x9000, true),
            (0x6300, true),
            (0x63C4, true),
            (0x6282, true),
            (0x6982, false),
            (0x6A80, false),
            (0x61FF, false),
        ] {
            assert_eq!(Status(status).is_protected(), protected, "{status:04X}");
        }
    }
}
