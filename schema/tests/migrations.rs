//! Migrations are told apart by the number before the first `_` of their folder: of two with the same
//! number one is never carried out. And both databases have the same.

use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn each_migration_has_a_number_of_its_own_and_is_there_for_both_databases() {
    for of in ["ca", "ra"] {
        let [sqlite, postgres] = ["sqlite", "postgres"].map(|database| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("migrations")
                .join(of)
                .join(database);
            fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect::<BTreeSet<String>>()
        });
        assert_eq!(sqlite, postgres, "{of}");
        let mut numbers = BTreeSet::new();
        for name in &sqlite {
            let (number, _) = name.split_once('_').unwrap();
            assert!(numbers.insert(number), "{of}: two migrations {number}");
        }
    }
}
