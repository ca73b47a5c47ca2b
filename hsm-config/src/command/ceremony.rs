//! `hsm ceremony`: keys and CA certificates from one reviewed file.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use hsm_config::ceremony::hold::{chain, hold};
use hsm_config::ceremony::plan::Plan;
use jiff::Timestamp;

use super::{Trouble, folder_of, open};

/// How much of the digest an officer types.
const TYPED: usize = 16;

/// Checks the file; with `only_check` says what would be done, else holds the ceremony.
pub fn run(spec: &Path, out: &Path, only_check: bool) -> Result<(), Trouble> {
    let text = std::fs::read_to_string(spec)
        .map_err(|fault| Trouble::new(format!("{} cannot be read: {fault}", spec.display())))?;
    let base = folder_of(spec)?;
    let plan = Plan::check(&text, &base, out)
        .map_err(|fault| Trouble::new(format!("{}: {}", spec.display(), chain(&fault))))?;
    println!("{}\n", plan.title);
    for line in plan.lines() {
        println!("  {line}");
    }
    println!("\nreviewed file (SHA-256)  {}\n", plan.sha256);
    if only_check {
        println!("nothing was done");
        return Ok(());
    }
    let confirmed = if plan.rehearsal {
        println!("REHEARSAL: nobody is asked to confirm");
        Vec::new()
    } else {
        confirmations(&plan)?
    };
    let token = open(plan.token.clone())?;
    let (record, done) = hold(&plan, &token, &confirmed, &Timestamp::now);
    print!("{}", record.to_text());
    done.map_err(|fault| {
        Trouble::with(
            chain(&fault),
            "the record in the output folder says how far it came; keys that were made stay in the token",
        )
    })
}

/// Each officer types the beginning of the digest from the paper that he or she reviewed.
fn confirmations(plan: &Plan) -> Result<Vec<Timestamp>, Trouble> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Trouble::with(
            "the officers confirm on a terminal, and none is attached",
            "start on a terminal; for a trial set `rehearsal = true`, which the record will say",
        ));
    }
    let mut confirmed = Vec::new();
    for officer in &plan.officers {
        print!(
            "{}, {}: type the first {TYPED} digits of the digest on your copy: ",
            officer.name, officer.role
        );
        std::io::stdout().flush().map_err(Trouble::new)?;
        let mut typed = String::new();
        stdin.lock().read_line(&mut typed).map_err(Trouble::new)?;
        let typed: String = typed.split_whitespace().collect::<String>().to_lowercase();
        if typed.len() < TYPED || !plan.sha256.starts_with(&typed) {
            return Err(Trouble::with(
                "the digest is another one: nothing was done",
                "compare the file with the reviewed copy",
            ));
        }
        confirmed.push(Timestamp::now());
    }
    Ok(confirmed)
}
