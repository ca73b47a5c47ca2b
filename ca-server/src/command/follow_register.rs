//! `ca-server follow-register`: once, by hand.

use super::{ConfigArgs, Failure, assemble_ready};
use crate::{adapter::register_folder::RegisterFolder, app::follow_register, config::IssueConfig};

/// Apply what the registers have told; not done when a batch cannot be taken.
pub fn run(args: &ConfigArgs) -> Result<(), Failure> {
    let config = IssueConfig::load(&args.config)?;
    let Some(register) = &config.register else {
        return Err("the configuration has no [register]".into());
    };
    if args.check_config {
        return Ok(());
    }
    let app = assemble_ready(&config)?;
    let mut failed = None;
    for (municipality, followed) in
        follow_register::follow(&app, &RegisterFolder(register.folder.clone()))
    {
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
