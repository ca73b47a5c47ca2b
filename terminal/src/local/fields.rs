//! Forms of the pages: fields by name, within a limit, with this start's secret.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Problem;
use super::fence::Fence;
use super::form;

/// Name of the field that carries the local secret.
pub const SECRET_FIELD: &str = "local";
/// Most fields of one form.
const MOST: usize = 400;
/// Largest form, in bytes: a request for disclosure with all that is written on it.
const LARGEST: usize = 16 * 1024;

#[derive(Deserialize)]
#[serde(transparent)]
struct Pairs(Vec<(String, String)>);

/// The fields of a form that one of our pages sent. Erased after use: a field may hold
/// a PIN or a password.
pub struct Fields(HashMap<String, Zeroizing<String>>);

impl Fields {
    /// A field without the spaces around it; empty when it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    /// A field that was filled in.
    pub fn filled(&self, name: &str) -> Option<String> {
        Some(self.text(name))
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    }

    /// A secret, as it was typed.
    pub fn secret(&self, name: &str) -> Zeroizing<String> {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// Whether a box was ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.text(name) == "yes"
    }
}

impl FromRequest for Fields {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let fence = request.app_data::<Data<Fence>>().cloned();
        let form = form::fields::<Pairs>(request, payload, LARGEST);
        Box::pin(async move {
            let fence = fence.ok_or_else(|| Problem::bad_request("this server takes no forms"))?;
            let Pairs(pairs) = form.await?;
            if pairs.len() > MOST {
                return Err(Problem::bad_request("the form has too many fields"));
            }
            let mut fields = HashMap::with_capacity(pairs.len());
            for (name, value) in pairs {
                if fields.insert(name, Zeroizing::new(value)).is_some() {
                    return Err(Problem::bad_request("a field was sent twice"));
                }
            }
            let sent = fields.remove(SECRET_FIELD).unwrap_or_default();
            fence.admit(sent.as_bytes())?;
            Ok(Self(fields))
        })
    }
}
