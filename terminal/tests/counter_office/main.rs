//! The office's pages over plain HTTP: a till that is short is approved by a supervisor's card at the same
//! terminal, an entry is taken back, a paper is held, a month is remitted, counts are told.

mod desk;
mod gateway;
mod month;
mod paper;
#[path = "../support/mod.rs"]
mod support;
mod till;

const CLERK: &str = "13101-0001";
const CHIEF: &str = "13101-0009";
const PIN: &str = "246810";
const NUMBER: &str = "13101-2026-000001";
const APPLICATION: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
const PAPER: &str = "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2";
