//! Networks in CIDR notation (RFC 4632, RFC 4291).

use core::net::IpAddr;

/// Bits of an address: 32 or 128; `None` for what is no address.
pub fn address_bits(address: &str) -> Option<u8> {
    Some(match address.parse().ok()? {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    })
}

/// Whether a text is the length of a prefix of an address of so many bits.
pub fn is_prefix_length(text: &str, most: u8) -> bool {
    text.parse::<u8>().is_ok_and(|bits| bits <= most)
}
