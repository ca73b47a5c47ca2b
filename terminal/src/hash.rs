//! SHA-256 of bytes in memory.

use aws_lc_rs::digest;

/// SHA-256 of the parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let digest = context.finish();
    std::array::from_fn(|i| digest.as_ref()[i])
}
