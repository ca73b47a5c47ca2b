//! `ca-server follow-register`: once, by hand, or as a rehearsal.

use std::io::Write;

use clap::Args;

use super::{ConfigArgs, Failure, assemble_ready, assemble_to_read};
use crate::{
    adapter::{register_folder::RegisterFolder, register_server::RegisterServer},
    app::{
        follow_register,
        rehearse_register::{self, Fate, Rehearsal, Rehearsed},
    },
    config::{IssueConfig, RegisterConfig, RegisterSource},
    port::register_feed::RegisterFeed,
};

#[derive(Args)]
pub struct FollowArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Only show what would be done, batch by batch; change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// By which way the batches come.
pub fn feed(register: &RegisterConfig) -> Result<Box<dyn RegisterFeed>, Failure> {
    Ok(match &register.source {
        RegisterSource::Folder(folder) => Box::new(RegisterFolder(folder.clone())),
        RegisterSource::Feed(config) => Box::new(RegisterServer::new(config)?),
    })
}

/// Apply what the registers have told, or show what that would be; not done when a batch cannot
/// be taken.
pub fn run(args: &FollowArgs) -> Result<(), Failure> {
    let config = IssueConfig::load(&args.config.config)?;
    let Some(register) = &config.register else {
        return Err("the configuration has no [register]".into());
    };
    if args.config.check_config {
        return Ok(());
    }
    let feed = feed(register)?;
    if args.dry_run {
        return rehearse(&config, &*feed);
    }
    let app = assemble_ready(&config)?;
    let mut failed = None;
    for (municipality, followed) in follow_register::follow(&app, &*feed) {
        match followed {
            Ok(followed) => println!(
                "{municipality}: {} batches, {} events, {} revoked",
                followed.batches, followed.events, followed.revoked
            ),
            Err(error) => {
                println!("{municipality}: {}", crate::causes(&error));
                failed.get_or_insert(error);
            }
        }
    }
    match failed {
        None => Ok(()),
        Some(error) => Err(error.into()),
    }
}

fn rehearse(config: &IssueConfig, feed: &dyn RegisterFeed) -> Result<(), Failure> {
    let app = assemble_to_read(config)?;
    let mut out = std::io::stdout().lock();
    let mut failed = None;
    for rehearsal in rehearse_register::rehearse(&app, feed) {
        tell(&mut out, &rehearsal)?;
        if let Some(error) = rehearsal.stopped {
            failed.get_or_insert(error);
        }
    }
    writeln!(out, "Nothing was changed.")?;
    match failed {
        None => Ok(()),
        Some(error) => Err(error.into()),
    }
}

fn tell(out: &mut impl Write, rehearsal: &Rehearsal) -> std::io::Result<()> {
    let (at, position) = (rehearsal.municipality, &rehearsal.position);
    let events: u64 = rehearsal
        .batches
        .iter()
        .flat_map(|b| b.kinds.values())
        .sum();
    let ends: u64 = rehearsal.batches.iter().map(|batch| batch.ends).sum();
    writeln!(
        out,
        "{at}: after batch {}, event {}: {} batches, {events} events, {ends} certificates would end",
        position.batch,
        position.sequence,
        rehearsal.batches.len(),
    )?;
    for batch in &rehearsal.batches {
        writeln!(out, "  {}", line(batch))?;
    }
    if let Some(error) = &rehearsal.stopped {
        writeln!(out, "  then: {}", crate::causes(error))?;
    }
    Ok(())
}

fn line(batch: &Rehearsed) -> String {
    let kinds: Vec<String> = batch
        .kinds
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    let fate = match batch.fate {
        Fate::Applied if batch.waits => "waits behind the held batch".to_owned(),
        Fate::Applied => "applied".to_owned(),
        Fate::Released => "released by officers, applied".to_owned(),
        Fate::Held { allowed } => format!(
            "HELD by the brake: {allowed} may be ended in a day, {} were today",
            batch.standing.ended_today
        ),
        Fate::Refused => "REFUSED by an officer".to_owned(),
    };
    format!(
        "batch {}: {}; {} of {} certificates in effect would end: {fate}",
        batch.batch,
        if kinds.is_empty() {
            "no events".to_owned()
        } else {
            kinds.join(", ")
        },
        batch.ends,
        batch.standing.in_effect,
    )
}
