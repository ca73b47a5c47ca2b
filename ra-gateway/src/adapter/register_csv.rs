//! The resident register as a CSV file exported from the municipalities' systems.
//!
//! UTF-8 with the header `resident,municipality,name,birth_date,sex,address,status`, and
//! `formerly` after it where municipalities were merged (`13102/1310200005`, else empty);
//! dates as `EYYYYMMDD`, sex as `1` or `2`, status `resident`, `moved`, `deceased` or
//! `deleted`. The file is read anew when it was replaced or written to. A file with
//! any wrong line is no register: look-ups are refused until it is exported again.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use pki_core::{
    id::ResidentNumber,
    person::{
        four_items::{FourItems, FourItemsInput},
        municipality::MunicipalityCode,
    },
};

use crate::port::{Register, RegisterEntry, RegisterFault, RegisterQuery, Residence};

/// The columns, in their order.
pub const COLUMNS: [&str; 8] = [
    "resident",
    "municipality",
    "name",
    "birth_date",
    "sex",
    "address",
    "status",
    "formerly",
];
/// How many of them there are at least.
const LEAST: usize = 7;

/// Largest file that is read, in bytes.
pub const LARGEST_FILE: u64 = 1 << 30;
/// Most people in one file.
pub const MOST_ENTRIES: usize = 5_000_000;

/// What tells one state of a file from another.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let data = fs::metadata(path)?;
        Ok(Self {
            device: data.dev(),
            inode: data.ino(),
            size: data.size(),
            seconds: data.mtime(),
            nanoseconds: data.mtime_nsec(),
        })
    }
}

/// One municipality's people in file order, and the way to one of them.
#[derive(Default)]
struct Municipality {
    entries: Vec<RegisterEntry>,
    by_resident: HashMap<ResidentNumber, usize>,
    by_name: HashMap<String, Vec<usize>>,
}

/// A file as read.
#[derive(Default)]
struct Content(HashMap<MunicipalityCode, Municipality>);

/// The register in one CSV file.
pub struct CsvRegister {
    path: PathBuf,
    held: RwLock<Option<(Stamp, Arc<Content>)>>,
}

impl CsvRegister {
    /// On the file at `path`; it is read at the first look-up.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            held: RwLock::new(None),
        }
    }

    /// The file as it is now.
    fn current(&self) -> Result<Arc<Content>, RegisterFault> {
        let away = |error: io::Error| RegisterFault::Away(Box::new(error));
        let stamp = Stamp::of(&self.path).map_err(away)?;
        if let Some((held, content)) = &*self.held.read().unwrap_or_else(PoisonError::into_inner)
            && *held == stamp
        {
            return Ok(Arc::clone(content));
        }
        let file = fs::File::open(&self.path).map_err(away)?;
        let content = Arc::new(read(file.take(LARGEST_FILE + 1))?);
        // Written to while it was read: the next look-up reads it again.
        if Stamp::of(&self.path).map_err(away)? == stamp {
            *self.held.write().unwrap_or_else(PoisonError::into_inner) =
                Some((stamp, Arc::clone(&content)));
        }
        Ok(content)
    }
}

fn read(source: impl Read) -> Result<Content, RegisterFault> {
    let malformed = |line, what| RegisterFault::Malformed { line, what };
    let mut reader = csv::ReaderBuilder::new().from_reader(source);
    let header = reader
        .headers()
        .map_err(|_| malformed(1, "not a CSV header in UTF-8"))?;
    if header.len() < LEAST || header.iter().ne(COLUMNS.into_iter().take(header.len())) {
        return Err(malformed(1, "the columns are not those of a register"));
    }
    let mut content = Content::default();
    let mut seen = HashSet::new();
    for (number, record) in reader.records().enumerate() {
        let line = number + 2;
        let record =
            record.map_err(|_| malformed(line, "not the columns of the header in UTF-8"))?;
        if number >= MOST_ENTRIES {
            return Err(malformed(line, "more people than a register may have"));
        }
        if record.position().is_some_and(|at| at.byte() > LARGEST_FILE) {
            return Err(malformed(line, "the file is larger than a register may be"));
        }
        let entry = entry(&record).map_err(|what| malformed(line, what))?;
        if !seen.insert((entry.municipality, entry.resident.clone())) {
            return Err(malformed(line, "the resident number stands twice"));
        }
        let municipality = content.0.entry(entry.municipality).or_default();
        let at = municipality.entries.len();
        municipality.by_resident.insert(entry.resident.clone(), at);
        municipality
            .by_name
            .entry(entry.items.name().as_str().to_owned())
            .or_default()
            .push(at);
        municipality.entries.push(entry);
    }
    Ok(content)
}

fn entry(record: &csv::StringRecord) -> Result<RegisterEntry, &'static str> {
    let column = |index: usize| record.get(index).unwrap_or_default();
    let items = FourItems::parse(FourItemsInput {
        name: column(2),
        birth_date: column(3),
        sex: column(4),
        address: column(5),
    })
    .map_err(|faults| match faults.first() {
        Some(fault) => match fault.item.field() {
            "name" => "the name is not well formed",
            "birth_date" => "the birth date is not well formed",
            "sex" => "the sex is not well formed",
            _ => "the address is not well formed",
        },
        None => "the items are not well formed",
    })?;
    Ok(RegisterEntry {
        resident: column(0)
            .parse()
            .map_err(|_| "the resident number is not well formed")?,
        municipality: column(1)
            .parse()
            .map_err(|_| "the municipality is not a code")?,
        items,
        residence: match column(6) {
            "resident" => Residence::Resident,
            "moved" => Residence::Moved,
            "deceased" => Residence::Deceased,
            "deleted" => Residence::Deleted,
            _ => return Err("the status is not known"),
        },
        formerly: match column(7) {
            "" => None,
            before => Some(formerly(before).ok_or("the former number is not well formed")?),
        },
    })
}

/// `13102/1310200005`
fn formerly(text: &str) -> Option<(MunicipalityCode, ResidentNumber)> {
    let (municipality, number) = text.split_once('/')?;
    Some((municipality.parse().ok()?, number.parse().ok()?))
}

impl Register for CsvRegister {
    fn look_up(
        &self,
        municipality: &MunicipalityCode,
        query: &RegisterQuery,
        limit: usize,
    ) -> Result<Vec<RegisterEntry>, RegisterFault> {
        metrics::counter!("ra_outward_calls_total", "to" => "register").increment(1);
        let content = self.current()?;
        let Some(people) = content.0.get(municipality) else {
            return Ok(Vec::new());
        };
        let candidates: Vec<usize> = match (&query.resident, &query.name) {
            (Some(resident), _) => people
                .by_resident
                .get(resident)
                .copied()
                .into_iter()
                .collect(),
            (None, Some(name)) => people
                .by_name
                .get(name.as_str())
                .cloned()
                .unwrap_or_default(),
            (None, None) => (0..people.entries.len()).collect(),
        };
        Ok(candidates
            .into_iter()
            .map(|at| &people.entries[at])
            .filter(|entry| query.matches(entry))
            .take(limit)
            .cloned()
            .collect())
    }
}

impl RegisterQuery {
    /// Whether every given part matches.
    pub fn matches(&self, entry: &RegisterEntry) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, there: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == there)
        }
        is(self.resident.as_ref(), &entry.resident)
            && is(self.name.as_ref(), entry.items.name())
            && is(self.birth_date.as_ref(), &entry.items.birth_date())
            && is(self.address.as_ref(), entry.items.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "resident,municipality,name,birth_date,sex,address,status\n";

    fn fault_of(lines: &str) -> (usize, &'static str) {
        match read(format!("{HEADER}{lines}").as_bytes()) {
            Err(RegisterFault::Malformed { line, what }) => (line, what),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("the file was taken"),
        }
    }

    const TARO: &str =
        "0001,13101,総務　太郎,319500401,1,東京都千代田区霞が関２丁目１番２号,resident\n";

    #[test]
    fn a_wrong_line_is_named_and_its_data_is_not() {
        assert_eq!(
            fault_of(&format!(
                "{TARO}0002,13101,山田　一,319501301,1,東京都,resident\n"
            )),
            (3, "the birth date is not well formed")
        );
        assert_eq!(
            fault_of(&format!("{TARO}{TARO}")),
            (3, "the resident number stands twice")
        );
        assert_eq!(
            fault_of("0002,13101,山田　一,319500101,1,東京都,gone\n"),
            (2, "the status is not known")
        );
        assert_eq!(
            fault_of("0002,13101\n"),
            (2, "not the columns of the header in UTF-8")
        );
    }

    #[test]
    fn a_former_number_of_a_merged_municipality_is_read() {
        let file = format!(
            "resident,municipality,name,birth_date,sex,address,status,formerly\n{}{}",
            TARO.replace(",resident\n", ",resident,13102/1310200005\n"),
            TARO.replace("0001", "0002")
                .replace(",resident\n", ",resident,\n"),
        );
        let content = read(file.as_bytes()).unwrap_or_else(|fault| panic!("{fault}"));
        let people = &content.0[&"13101".parse().unwrap()].entries;
        let before = (
            "13102".parse().unwrap(),
            "1310200005".parse::<ResidentNumber>().unwrap(),
        );
        assert!(people[0].formerly == Some(before) && people[1].formerly.is_none());
        for wrong in ["13102", "1/2", "13102/"] {
            let file = file.replace("13102/1310200005", wrong);
            assert!(matches!(
                read(file.as_bytes()),
                Err(RegisterFault::Malformed { line: 2, .. })
            ));
        }
    }

    #[test]
    fn another_order_of_columns_is_no_register() {
        let file = "municipality,resident,name,birth_date,sex,address,status\n";
        assert!(matches!(
            read(file.as_bytes()),
            Err(RegisterFault::Malformed { line: 1, .. })
        ));
    }
}
