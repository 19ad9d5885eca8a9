//! A salt for the hashes of keys, another in every run: who sees the evidence can tell rows apart, and cannot
//! try out which keys they are.

use std::io::Read;

/// 32 hexadecimal digits.
///
/// # Errors
/// When the operating system gives no random bytes.
pub(super) fn salt() -> std::io::Result<String> {
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
