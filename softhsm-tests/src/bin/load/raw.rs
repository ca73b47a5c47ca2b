//! The yardstick: signatures per second of a token, through its module and nothing else.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use serde_json::json;
use xtask::fault::{Fault, OnPath, Result};

use crate::{Options, own_cpu};

/// Signs with `--threads` sessions for `--seconds`, with the key `--key` of kind `--kind` (`rsa` or `ec`).
pub fn run(options: &Options) -> Result<serde_json::Value> {
    let pin_file = options.path("pin-file")?;
    let pin = std::fs::read_to_string(&pin_file)
        .on(&pin_file)?
        .trim()
        .to_owned();
    let (threads, seconds) = (options.number("threads")?, options.number("seconds")?);
    let (label, key) = (options.text("label")?, options.text("key")?.to_owned());
    let rsa = options.text("kind")? == "rsa";
    let module = Pkcs11::new(options.path("module")?).map_err(told)?;
    module
        .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
        .map_err(told)?;
    let slot = find(&module, label)?;
    // Keeps the login for the sessions of the threads.
    let anchor = module.open_ro_session(slot).map_err(told)?;
    anchor
        .login(UserType::User, Some(&AuthPin::new(pin.into())))
        .map_err(told)?;

    let (count, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let gate = Arc::new(Barrier::new(threads + 1));
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let (module, key, count, stop, gate) = (
                module.clone(),
                key.clone(),
                Arc::clone(&count),
                Arc::clone(&stop),
                Arc::clone(&gate),
            );
            thread::spawn(move || -> Result<()> {
                let session = module.open_ro_session(slot).map_err(told);
                let handle = session.and_then(|session| {
                    let wanted = [
                        Attribute::Class(ObjectClass::PRIVATE_KEY),
                        Attribute::Label(key.into_bytes()),
                    ];
                    let found = session.find_objects(&wanted).map_err(told)?;
                    let handle = *found
                        .first()
                        .ok_or_else(|| Fault::new("the token has no key of that label"))?;
                    Ok((session, handle))
                });
                gate.wait();
                let (session, handle) = handle?;
                // What a certificate's bytes to sign are in length; an EC key gets their digest.
                let bytes = vec![0x30; if rsa { 1700 } else { 32 }];
                let mechanism = if rsa {
                    Mechanism::Sha256RsaPkcs
                } else {
                    Mechanism::Ecdsa
                };
                while !stop.load(Ordering::Relaxed) {
                    session.sign(&mechanism, handle, &bytes).map_err(told)?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        })
        .collect();
    gate.wait();
    let (begun, cpu) = (Instant::now(), own_cpu());
    thread::sleep(Duration::from_secs(seconds as u64));
    let done = count.load(Ordering::Relaxed);
    let (took, spent) = (begun.elapsed().as_secs_f64(), own_cpu() - cpu);
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker
            .join()
            .map_err(|_| Fault::new("a signing thread panicked"))??;
    }
    Ok(json!({ "rate": done as f64 / took, "cpu_per_signature": spent / done.max(1) as f64 }))
}

fn find(module: &Pkcs11, label: &str) -> Result<Slot> {
    for slot in module.get_slots_with_token().map_err(told)? {
        if module
            .get_token_info(slot)
            .is_ok_and(|info| info.label().trim_end() == label)
        {
            return Ok(slot);
        }
    }
    Err(Fault::new(format!("no token is called {label}")))
}

fn told(error: cryptoki::error::Error) -> Fault {
    Fault::new(error.to_string())
}
