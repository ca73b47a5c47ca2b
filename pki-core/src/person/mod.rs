//! The person whom a certificate names: the four items (氏名, 生年月日, 男女の別,
//! 住所), the characters in which they may be written, and the municipality.

pub mod certificate_items;
pub mod era;
pub mod four_items;
pub mod merger;
pub mod municipality;
pub mod repertoire;
pub mod substitution;
