//! `ca-server issue`, `ca-server status`, `ca-server crl publish`.

use std::{sync::Arc, thread, time::Duration};

use hsm_config::Token;
use service::meters;

use super::{Failure, ServeArgs, SharedConfigArgs, assemble, assemble_ready};
use crate::{
    adapter::{
        database::{Book, Database, Leases},
        hsm::HsmSigner,
        system::{SystemClock, SystemEntropy, SystemStopwatch},
    },
    app::{
        App,
        answer_anew::{self, Anew},
        answer_ocsp::{Answerer, SigningQuota, StatusApp},
        enrol::register_issuers,
        follow_register,
        provide::Records,
        publish_crl, resume,
        status_lease::{self, NodeLease},
    },
    config::{IssueConfig, StatusConfig},
    http::serve,
    port::entropy::random,
};

pub fn issue(args: &ServeArgs) -> Result<(), Failure> {
    let config = IssueConfig::load(&args.config.config)?;
    if args.config.check_config {
        return Ok(());
    }
    let app = Arc::new(assemble(&config)?);
    let background = {
        let app = Arc::clone(&app);
        thread::Builder::new()
            .name("publisher".to_owned())
            .spawn(move || {
                if begin(&app) {
                    publish_crl::run(&app);
                }
            })?
    };
    let end = Arc::new(publish_crl::Bell::default());
    let following = match config.register.clone() {
        None => None,
        Some(register) => {
            let (app, end) = (Arc::clone(&app), Arc::clone(&end));
            let feed = super::follow_register::feed(&register)?;
            Some(
                thread::Builder::new()
                    .name("register".to_owned())
                    .spawn(move || follow_register::run(&app, &*feed, register.interval, &end))?,
            )
        }
    };
    let served = serve::issue(
        &config,
        Arc::clone(&app),
        meters::page(),
        args.ready_file.as_deref(),
    );
    app.publisher.close();
    end.close();
    let _ = background.join();
    if let Some(following) = following {
        let _ = following.join();
    }
    Ok(served?)
}

/// What has to be done once before anything else, as soon as the database is
/// there; `false` when the program ends first.
fn begin(app: &App) -> bool {
    loop {
        match register_issuers(app) {
            Ok(true) => match resume::resume(app) {
                Ok(count) => {
                    tracing::info!(abandoned = count, "resumed");
                    return true;
                }
                Err(error) => tracing::warn!(error = %crate::causes(&error), "cannot resume yet"),
            },
            Ok(false) => tracing::error!(
                "the database knows an issuer of the same name with another certificate"
            ),
            Err(error) => tracing::warn!(error = %crate::causes(&error), "cannot begin yet"),
        }
        if !app.publisher.rest(Duration::from_millis(500)) {
            return false;
        }
    }
}

pub fn status(args: &ServeArgs) -> Result<(), Failure> {
    let config = StatusConfig::load(&args.config.config)?;
    let issuers = config
        .issuers
        .iter()
        .map(|issuer| Answerer::new(issuer, config.ocsp_memory / config.issuers.len() as u64))
        .collect::<Result<Vec<_>, _>>()?;
    if args.config.check_config {
        return Ok(());
    }
    let clock = Arc::new(SystemClock);
    let records = match config.registered {
        None => None,
        Some(_) => {
            let book = Arc::new(Book::open(&config.database)?);
            Some(Records::new(book, random(&SystemEntropy)?))
        }
    };
    let app = Arc::new(StatusApp {
        store: Arc::new(Database::open_to_read(
            &config.database,
            config.database_readers,
        )?),
        signer: Arc::new(HsmSigner::new(Token::open(config.token.clone()))),
        clock,
        issuers,
        validity: config.ocsp_validity,
        reuse: config.ocsp_reuse,
        lease: Some(NodeLease::new(
            Arc::new(Leases::open(&config.database)?),
            Arc::new(SystemStopwatch),
            random(&SystemEntropy)?,
        )),
        anew: Anew::default(),
        crl_folder: config.crl_folder.clone(),
        quota: SigningQuota::new(config.ocsp_signatures_per_second),
        records,
    });
    let background = {
        let app = Arc::clone(&app);
        thread::Builder::new()
            .name("records".to_owned())
            .spawn(move || {
                if let Some(records) = &app.records {
                    records.run(&*app.clock);
                }
            })?
    };
    let leasing = {
        let app = Arc::clone(&app);
        thread::Builder::new()
            .name("lease".to_owned())
            .spawn(move || {
                if let Some(lease) = &app.lease {
                    status_lease::run(&app, lease);
                }
            })?
    };
    let signing = {
        let app = Arc::clone(&app);
        thread::Builder::new()
            .name("anew".to_owned())
            .spawn(move || answer_anew::run(&app))?
    };
    let served = serve::status(
        &config,
        Arc::clone(&app),
        meters::page(),
        args.ready_file.as_deref(),
    );
    if let Some(records) = &app.records {
        records.close();
    }
    if let Some(lease) = &app.lease {
        lease.close();
    }
    app.anew.close();
    for thread in [background, leasing, signing] {
        let _ = thread.join();
    }
    Ok(served?)
}

pub fn publish(args: &SharedConfigArgs) -> Result<(), Failure> {
    let Some(config) = args.load()? else {
        return Ok(());
    };
    let app = assemble_ready(&config)?;
    let (published, failed) = publish_crl::publish(&app, &mut publish_crl::InPlace::new());
    for list in published {
        println!("{} number {}", list.path.display(), list.record.number);
    }
    match failed.into_iter().next() {
        None => Ok(()),
        Some(error) => Err(error.into()),
    }
}
