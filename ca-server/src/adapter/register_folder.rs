//! Batches as files: `<folder>/<municipality>/<number>.csv`. The transfer from the municipality
//! puts them there, under another name as long as they are incomplete.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::PathBuf,
};

use pki_core::{
    id::Sha256Digest, person::municipality::MunicipalityCode,
    revocation::register_batch::BATCH_BYTES_MAX,
};

use crate::port::register_feed::{FeedAway, RegisterFeed};

/// See the module.
pub struct RegisterFolder(pub PathBuf);

fn away(error: io::Error) -> FeedAway {
    FeedAway(Box::new(error))
}

impl RegisterFolder {
    fn of(&self, municipality: MunicipalityCode) -> PathBuf {
        self.0.join(municipality.to_string())
    }
}

/// `000012.csv` is number 12. Other names are not batches.
fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".csv")?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

impl RegisterFeed for RegisterFolder {
    fn numbers(&self, municipality: MunicipalityCode, after: u64) -> Result<Vec<u64>, FeedAway> {
        // The folder above has to be there: a share that is not mounted looks like no batches.
        fs::metadata(&self.0).map_err(away)?;
        let entries = match fs::read_dir(self.of(municipality)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(away(error)),
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry.map_err(away)?.file_name();
            let number = name.to_str().and_then(number);
            numbers.extend(number.filter(|number| *number > after));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    fn batch(
        &self,
        municipality: MunicipalityCode,
        wanted: u64,
    ) -> Result<Option<Vec<u8>>, FeedAway> {
        let entries = match fs::read_dir(self.of(municipality)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(away(error)),
        };
        // However many zeros the number was written with.
        for entry in entries {
            let entry = entry.map_err(away)?;
            if entry.file_name().to_str().and_then(number) != Some(wanted) {
                continue;
            }
            let file = File::open(entry.path()).map_err(away)?;
            let mut bytes = Vec::new();
            file.take(BATCH_BYTES_MAX as u64 + 1)
                .read_to_end(&mut bytes)
                .map_err(away)?;
            return Ok(Some(bytes));
        }
        Ok(None)
    }

    fn differs(
        &self,
        municipality: MunicipalityCode,
        number: u64,
        sha256: &[u8; 32],
    ) -> Result<bool, FeedAway> {
        let there = self.batch(municipality, number)?;
        Ok(there.is_some_and(|bytes| Sha256Digest::of(&bytes).as_bytes() != sha256))
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_batch_is_named_by_its_number() {
        assert_eq!(number("000012.csv"), Some(12));
        assert_eq!(number("12.csv"), Some(12));
        for name in ["12.csv.part", ".csv", "+12.csv", "x12.csv", "12", "1 2.csv"] {
            assert_eq!(number(name), None, "{name}");
        }
    }
}
