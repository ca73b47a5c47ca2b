//! A server of one fixed body behind the middleware of `ca-server status`:
//! `fixed LENGTH WORKERS --ready-file FILE`. The yardstick of `cargo xtask bench ocsp`.

use std::{collections::BTreeMap, error::Error, net::TcpListener, path::Path};

use ca_server::testing::fixed;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [length, workers, _, ready] = &words[..] else {
        return Err("fixed LENGTH WORKERS --ready-file FILE".into());
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    service::ready::write(Path::new(ready), &BTreeMap::from([("public", url)]))?;
    Ok(fixed::serve(listener, workers.parse()?, length.parse()?)?)
}
