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

/// Whether a client that sends this `Host` meant this machine. A web site can let its own name lead here (DNS rebinding), and then its
/// scripts may read what is served; the name is what gives it away.
pub fn is_this_machine_called(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host });
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}
