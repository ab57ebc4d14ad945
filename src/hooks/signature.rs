//! Whether a delivery comes from somebody who knows the secret.
//!
//! Every form is over the bytes as they came, and compared in constant time. The strongest form that a delivery brings is the one that
//! counts: a wrong one is not made good by another.
//!
//! Sources: GitHub documentation, "Validating webhook deliveries" (`X-Hub-Signature-256`); Gitea documentation, "Webhooks"
//! (`X-Gitea-Signature`); GitLab documentation, "Webhooks" (`X-Gitlab-Token`); the Standard Webhooks specification (`webhook-signature`,
//! which newer GitLab signs with).

use super::seen::WINDOW;
use crate::model::SecretText;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

/// Why a delivery is refused. It does not say which secret was nearly right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no signature.
    #[error("the delivery is not signed: give the webhook a secret")]
    Unsigned,
    /// The signature is not made with a secret that is known here.
    #[error("the signature is wrong: the secret of the webhook is another one than here")]
    Wrong,
    /// The time that is signed is too far away.
    #[error("the delivery is older than 5 minutes, or a clock is wrong")]
    Old,
}

/// Checks a delivery.
pub fn verify(headers: &HeaderMap, body: &[u8], secrets: &[SecretText], now: Timestamp) -> Result<(), Refused> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let right = if let Some(signatures) = header("webhook-signature") {
        let (id, time) = (header("webhook-id").ok_or(Refused::Wrong)?, header("webhook-timestamp").ok_or(Refused::Wrong)?);
        let signed = [id.as_bytes(), b".", time.as_bytes(), b".", body].concat();
        let given = || signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
        if !secrets.iter().any(|secret| given().any(|given| is_of(&key_of(secret), &signed, &given))) {
            return Err(Refused::Wrong);
        }
        let at = time.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).ok_or(Refused::Wrong)?;
        if now.duration_since(at).abs() > WINDOW {
            return Err(Refused::Old);
        }
        true
    } else if let Some(text) = header("x-hub-signature-256") {
        let given = text.strip_prefix("sha256=").and_then(hexadecimal).ok_or(Refused::Wrong)?;
        secrets.iter().any(|secret| is_of(secret.expose().as_bytes(), body, &given))
    } else if let Some(text) = header("x-forgejo-signature").or_else(|| header("x-gitea-signature")) {
        let given = hexadecimal(text).ok_or(Refused::Wrong)?;
        secrets.iter().any(|secret| is_of(secret.expose().as_bytes(), body, &given))
    } else if let Some(token) = header("x-gitlab-token") {
        // The token is the secret itself. As keys of the same text both give the same code, whose comparison tells nothing by its time.
        let given = code(token.as_bytes(), body).finalize().into_bytes();
        secrets.iter().any(|secret| is_of(secret.expose().as_bytes(), body, &given))
    } else {
        return Err(Refused::Unsigned);
    };
    if right { Ok(()) } else { Err(Refused::Wrong) }
}

/// The key of a secret in the form of Standard Webhooks: what follows `whsec_`, decoded, or the text.
fn key_of(secret: &SecretText) -> Vec<u8> {
    let text = secret.expose();
    text.strip_prefix("whsec_").and_then(|rest| STANDARD.decode(rest).ok()).unwrap_or_else(|| text.as_bytes().to_vec())
}

fn code(key: &[u8], text: &[u8]) -> Hmac<Sha256> {
    let mut code = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    code.update(text);
    code
}

fn is_of(key: &[u8], text: &[u8], given: &[u8]) -> bool {
    code(key, text).verify_slice(given).is_ok()
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_225_600;

    fn verdict(headers: &[(&'static str, &str)], body: &str, secrets: &[&str], later: i64) -> Result<(), Refused> {
        let headers: HeaderMap = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let secrets: Vec<SecretText> = secrets.iter().map(|secret| SecretText::new(*secret)).collect();
        verify(&headers, body.as_bytes(), &secrets, Timestamp::from_second(NOW + later).unwrap())
    }

    /// Vectors as the forges publish or compute them: one of GitHub's documentation, the others recomputed apart from this code. Each is
    /// wrong as soon as one byte differs. A check that takes a wrong one lets anybody on the internet have repositories asked.
    #[test]
    fn signatures_of_each_forge() {
        let github = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let gitea = "57ed9a11a497d553a714afb0781da16c1df54606df4717f094944ed8adba30c1";
        let (key, standard) = ("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "v1,qDFIMfg2gX5bETUc170S/vBBDZ1s3R8YVhtYotEw6a8=");
        let (push, hello) = (r#"{"ref":"refs/heads/main"}"#, "Hello, World!");
        let signed = [("webhook-id", "msg_test_0001"), ("webhook-timestamp", "1767225600"), ("webhook-signature", standard)];
        let (of_github, of_gitea) = (vec![("x-hub-signature-256", github)], vec![("x-gitea-signature", gitea)]);
        for (headers, body, secret) in [
            (of_github, hello, "It's a Secret to Everybody"),
            (of_gitea, push, "s3cr3t-for-tests"),
            (vec![("x-forgejo-signature", gitea)], push, "s3cr3t-for-tests"),
            (vec![("x-gitlab-token", "s3cr3t-for-tests")], push, "s3cr3t-for-tests"),
            (signed.to_vec(), push, key),
        ] {
            assert_eq!(verdict(&headers, body, &[secret], 0), Ok(()), "{headers:?}");
            assert_eq!(verdict(&headers, body, &["a former secret", secret], 0), Ok(()), "one of several: {headers:?}");
            assert_eq!(verdict(&headers, body, &["another secret"], 0), Err(Refused::Wrong), "{headers:?}");
            assert_eq!(verdict(&headers, body, &[], 0), Err(Refused::Wrong), "{headers:?}");
            if headers[0].0 != "x-gitlab-token" {
                assert_eq!(verdict(&headers, &format!("{body} "), &[secret], 0), Err(Refused::Wrong), "another body: {headers:?}");
            }
        }
        assert_eq!(verdict(&signed, push, &[key], 301), Err(Refused::Old));
        assert_eq!(verdict(&signed, push, &[key], -301), Err(Refused::Old));
        let later = [signed[0], ("webhook-timestamp", "1767225900"), signed[2]];
        assert_eq!(verdict(&later, push, &[key], 300), Err(Refused::Wrong), "the time is signed as well");
        let several = format!("v1a,AAAA v1,AAAA {standard}");
        assert_eq!(verdict(&[signed[0], signed[1], ("webhook-signature", &several)], push, &[key], 0), Ok(()));
    }

    /// What an attacker tries.
    #[test]
    fn what_is_no_signature_is_refused() {
        let secret = ["s3cr3t-for-tests"];
        let gitea = "57ed9a11a497d553a714afb0781da16c1df54606df4717f094944ed8adba30c1";
        let push = r#"{"ref":"refs/heads/main"}"#;
        assert_eq!(verdict(&[], push, &secret, 0), Err(Refused::Unsigned));
        for wrong in ["", "sha256=", "sha1=00", gitea, "sha256=zz", "sha256=5", "sha256=57ed9a11", &format!("sha256={gitea}00")] {
            let both = [("x-hub-signature-256", wrong), ("x-gitea-signature", gitea)];
            assert_eq!(verdict(&both, push, &secret, 0), Err(Refused::Wrong), "{wrong} is not made good by another one");
        }
        for wrong in ["", "s3cr3t-for-test", "s3cr3t-for-tests2", "S3cr3t-for-tests"] {
            assert_eq!(verdict(&[("x-gitlab-token", wrong)], push, &secret, 0), Err(Refused::Wrong), "{wrong}");
        }
        assert_eq!(verdict(&[("webhook-signature", "v1,AAAA")], push, &secret, 0), Err(Refused::Wrong));
    }
}
