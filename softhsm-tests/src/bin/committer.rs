//! Commits row after row and says of each when it is durable: what the power-cut test kills.
//!
//! `committer commit URL SYNCHRONOUS ROWS` prints the number of each row after its commit was acknowledged
//! (`SYNCHRONOUS` is what SQLite is told, `keep` leaves the product's own setting), and after so many rows
//! waits to be killed; `committer count URL` prints how many rows there are and the highest number.

use std::io::Write;
use std::process::ExitCode;

use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{Connection, QueryableByName, RunQueryDsl};
use schema::database;

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = BigInt)]
    highest: i64,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["commit", url, synchronous, rows] => rows
            .parse()
            .map_err(Into::into)
            .and_then(|rows| commit(url, synchronous, rows)),
        ["count", url] => count(url),
        _ => Err("committer commit URL keep|OFF|NORMAL|FULL ROWS, or committer count URL".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

type Done = Result<(), Box<dyn std::error::Error>>;

fn commit(url: &str, synchronous: &str, rows: i64) -> Done {
    if let Some(path) = url.strip_prefix("sqlite:") {
        // Opening makes no file, so that a mistyped path is no empty database.
        std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)?;
    }
    let pool = database::open(url, 1, false)?;
    let mut connection = pool.get()?;
    if synchronous != "keep" {
        connection.batch_execute(&format!("PRAGMA synchronous={synchronous}"))?;
    }
    connection.batch_execute(
        "CREATE TABLE IF NOT EXISTS kept (n BIGINT PRIMARY KEY, weight TEXT NOT NULL)",
    )?;
    let weight = "重".repeat(700);
    let mut out = std::io::stdout();
    let first = counted(&mut connection)?.highest + 1;
    for n in first..first + rows {
        connection.transaction(|connection| {
            connection.batch_execute(&format!("INSERT INTO kept VALUES ({n}, '{weight}')"))
        })?;
        writeln!(out, "{n}")?;
        out.flush()?;
    }
    // The connection stays open: closing it would bring everything onto the disk.
    loop {
        std::thread::park();
    }
}

fn count(url: &str) -> Done {
    let pool = database::open(url, 1, false)?;
    let counted = counted(&mut *pool.get()?)?;
    println!("{} {}", counted.rows, counted.highest);
    Ok(())
}

fn counted(connection: &mut database::AnyConnection) -> Result<Counted, diesel::result::Error> {
    diesel::sql_query("SELECT COUNT(*) AS rows, COALESCE(MAX(n), 0) AS highest FROM kept")
        .get_result(connection)
}
