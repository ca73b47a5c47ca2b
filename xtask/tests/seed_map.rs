//! `docs/seed-map.md` leads from each function to its rule, its code and its tests, `docs/threat-model.md` and
//! `docs/incidents.md` from what could happen to what shows that it does not. A name in them that is nowhere in
//! the code leads nobody anywhere, so each is looked up.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use xtask::workspace::root;

/// Everything of the repository that a map can point to.
struct Repository {
    /// Paths from the root, with `/`; folders too.
    paths: BTreeSet<String>,
    /// Names of the functions that an attribute makes a test.
    tests: BTreeSet<String>,
    /// Names of functions, types and constants.
    items: BTreeSet<String>,
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "target" || name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            walk(&path, found);
        }
        found.push(path);
    }
}

/// The name after a keyword.
fn name_after<'l>(line: &'l str, keyword: &str) -> Option<&'l str> {
    let at = line.find(keyword)?;
    if !line[..at].is_empty() && !line[..at].ends_with(' ') {
        return None;
    }
    let rest = &line[at + keyword.len()..];
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

impl Repository {
    fn read() -> Self {
        let mut files = Vec::new();
        walk(&root(), &mut files);
        let mut read = Self {
            paths: BTreeSet::new(),
            tests: BTreeSet::new(),
            items: BTreeSet::new(),
        };
        for file in files {
            let path = file.strip_prefix(root()).unwrap().to_string_lossy();
            if path.ends_with(".rs") {
                let under_test = path.split('/').any(|part| part == "tests");
                read.look_into(&fs::read_to_string(&file).unwrap(), under_test);
            }
            read.paths.insert(path.into_owned());
        }
        read
    }

    /// A test is what an attribute makes one, and among the tests what a table of them or
    /// a longer test names.
    fn look_into(&mut self, source: &str, under_test: bool) {
        let mut marked = false;
        for line in source.lines().map(str::trim) {
            if line.starts_with("#[") {
                marked |= line.ends_with("test]");
                continue;
            }
            for keyword in ["fn ", "struct ", "enum ", "trait ", "const ", "type "] {
                if let Some(name) = name_after(line, keyword) {
                    self.items.insert(name.to_owned());
                    if keyword == "fn " && marked {
                        self.tests.insert(name.to_owned());
                    }
                }
            }
            marked &= line.starts_with("//");
            if under_test && !line.contains("fn ") {
                let names = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                self.tests
                    .extend(names.filter(|name| name.contains('_')).map(str::to_owned));
            }
        }
    }

    /// A test of that sentence, by itself or on each of the databases.
    fn has_test(&self, sentence: &str) -> bool {
        let name = sentence
            .replace('\'', "")
            .to_lowercase()
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join("_");
        let is = |name: &str| self.tests.contains(name) && self.items.contains(name);
        let on = |database: &str| is(&format!("{name}_on_{database}"));
        is(&name) || on("sqlite") && on("postgresql")
    }

    /// A file or folder that the end of this path means, with or without `.rs`.
    fn has_path(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let inside = format!("/{path}");
        self.paths.iter().any(|there| {
            let plain = there.strip_suffix(".rs").unwrap_or(there);
            [there.as_str(), plain]
                .iter()
                .any(|there| *there == path || there.ends_with(&inside))
        })
    }
}

/// `a/{b,c}.rs` is `a/b.rs` and `a/c.rs`.
fn spelled_out(path: &str) -> Vec<String> {
    let parts = path
        .split_once('{')
        .and_then(|(head, rest)| Some((head, rest.split_once('}')?)));
    match parts {
        None => vec![path.to_owned()],
        Some((head, (inside, tail))) => inside
            .split(',')
            .flat_map(|one| spelled_out(&format!("{head}{one}{tail}")))
            .collect(),
    }
}

/// What stands between two marks.
fn between(cell: &str, mark: char) -> Vec<&str> {
    cell.split(mark).skip(1).step_by(2).collect()
}

/// What the map says wrongly.
fn faults(map: &str, repository: &Repository) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, line) in map.lines().enumerate() {
        let Some(row) = line.strip_prefix('|').and_then(|l| l.strip_suffix('|')) else {
            continue;
        };
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let mut tell = |what: String| faults.push(format!("line {}: {what}", at + 1));
        let [_, _, _, test] = cells[..] else {
            tell(format!("{} columns", cells.len()));
            continue;
        };
        if matches!(test, "test" | "---") {
            continue;
        }
        for token in cells.iter().flat_map(|cell| between(cell, '`')) {
            // Everything below a folder; commands and addresses are no files.
            let token = token.split("/*").next().unwrap_or(token);
            if token.contains([' ', '-']) && !token.contains('/') || token.starts_with('/') {
                continue;
            }
            if token.contains(' ') && !token.contains('{') {
                continue;
            }
            for path in spelled_out(token) {
                // Names with `_` alone are those of tables, columns and metrics.
                let column = path.contains('_') && !path.contains(['/', '.']);
                if !column && !repository.has_path(&path) && !repository.items.contains(&path) {
                    tell(format!("`{path}` is nowhere"));
                }
            }
        }
        let plain: String = test.split('`').step_by(2).collect();
        let quoted = between(&plain, '*');
        for sentence in &quoted {
            if !repository.has_test(sentence) {
                tell(format!("there is no test *{sentence}*"));
            }
        }
        let tested = !quoted.is_empty() || !between(test, '`').is_empty();
        if !tested && !row.contains('○') {
            tell("nothing tests it, and it is not marked ○".to_owned());
        }
    }
    faults
}

#[test]
fn every_name_in_the_map_is_in_the_code() {
    let repository = Repository::read();
    let map = fs::read_to_string(root().join("docs/seed-map.md")).unwrap();
    let faults = faults(&map, &repository);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let rows = map.lines().filter(|line| line.starts_with("| ")).count();
    assert!(rows > 60, "the map has {rows} rows");
}

/// The tests that a page names in its tables and that are nowhere. In italics stand the names of tests, and
/// `not yet` and `unsigned` for what they are.
fn untold(page: &str, repository: &Repository) -> Vec<String> {
    let mut untold = Vec::new();
    for (at, line) in page.lines().enumerate() {
        let Some((_, test)) = line.strip_suffix('|').and_then(|row| row.rsplit_once('|')) else {
            continue;
        };
        let plain: String = test.replace("**", "").split('`').step_by(2).collect();
        for sentence in between(&plain, '*') {
            if sentence != "not yet" && !repository.has_test(sentence) {
                untold.push(format!("line {}: there is no test *{sentence}*", at + 1));
            }
        }
    }
    untold
}

#[test]
fn every_test_that_shows_a_threat_or_an_incident_is_in_the_code() {
    let repository = Repository::read();
    for (page, least) in [("docs/threat-model.md", 35), ("docs/incidents.md", 30)] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let untold = untold(&text, &repository);
        assert!(untold.is_empty(), "{page}:\n{}", untold.join("\n"));
        let rows = text.lines().filter(|line| line.starts_with("| ")).count();
        assert!(rows > least, "{page} has {rows} rows");
    }
    let row = "| a | b | *there is no such test*; *not yet* |";
    assert_eq!(untold(row, &repository).len(), 1);
}

#[test]
fn what_a_map_says_wrongly_is_found() {
    let mut repository = Repository {
        paths: BTreeSet::from(["pki-core/src/act.rs".to_owned()]),
        tests: BTreeSet::new(),
        items: BTreeSet::new(),
    };
    repository.look_into(
        "#[test]\n/// Why.\nfn a_days_end_is_kept() {\nfn helper() {}\n}\n#[test]\nfn b_on_sqlite() {}\n",
        false,
    );
    repository.look_into(
        "    table::named_in_a_table,\nfn named_in_a_table() {}\n",
        true,
    );
    let row = |rule: &str, test: &str| {
        faults(&format!("| x (Art 1) | {rule} | y | {test} |"), &repository)
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(row("`act`", "*a day's end is kept*"), none);
    assert_eq!(row("`src/{act}`", "`act.rs`"), none);
    assert_eq!(row("", "*named in a table*"), none);
    assert_eq!(row("○", "○"), none);
    for (rule, test) in [
        ("`fact`", "*a day's end is kept*"),
        ("`act`", "*helper*"),
        ("`act`", "*b*"),
        ("`act`", "words alone"),
        ("`act` | more", "*a day's end is kept*"),
    ] {
        assert_eq!(row(rule, test).len(), 1, "{rule} {test}");
    }
}
