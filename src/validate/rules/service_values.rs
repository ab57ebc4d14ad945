//! Values of a Service's fields, as the API server takes them.
//!
//! Source: Kubernetes API reference, "ServiceSpec"; the verdicts are compared with those of a real API server by a test.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic, nearest};
use crate::model::labels::is_key;
use crate::model::pointer::join;
use crate::model::{address_bits, is_prefix_length};
use core::net::IpAddr;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[Rule {
    code: Code::error(
        "bad-service-value",
        "the API server would refuse this value of a Service",
        "Policies and families are single words, source ranges are networks such as 10.0.0.0/8, external addresses belong to other machines, and class and protocol names have the form of a label's key. The Service would not be made, or not be changed.",
    ),
    check: Check::Cluster(values),
}];

/// Fields that are one of a few words.
const WORDS: &[(&str, &[&str])] = &[
    ("externalTrafficPolicy", &["Cluster", "Local"]),
    ("internalTrafficPolicy", &["Cluster", "Local"]),
    ("ipFamilyPolicy", &["SingleStack", "PreferDualStack", "RequireDualStack"]),
    ("sessionAffinity", &["ClientIP", "None"]),
];

/// Most seconds a client may stay with one pod: a day.
const LONGEST_AFFINITY: i64 = 86_400;

fn values(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for service in ["primary", "replicas"] {
        let pointer = format!("/spec/postgresServices/{service}");
        let Some(section) = context.inputs.cluster.object.get(&pointer) else { continue };
        for (place, message, help) in of_section(section) {
            let problem = Diagnostic::error("bad-service-value", message).help(help);
            problems.push(context.at(&format!("{pointer}{place}"), problem));
        }
    }
    problems
}

/// Place below the section, message, help.
type Finding = (String, String, String);

fn of_section(section: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let text = |field: &str| section.get(field).and_then(Value::as_str);
    for (field, allowed) in WORDS {
        found.extend(text(field).and_then(|word| word_problem(&join("", field), word, allowed)));
    }
    let items = |field: &str| -> Vec<(String, String)> {
        let list = section.get(field).and_then(Value::as_array).into_iter().flatten().enumerate();
        list.filter_map(|(index, item)| Some((format!("/{field}/{index}"), item.as_str()?.to_owned()))).collect()
    };
    let mut families = BTreeSet::new();
    for (place, family) in items("ipFamilies") {
        match word_problem(&place, &family, &["IPv4", "IPv6"]) {
            Some(problem) => found.push(problem),
            None if !families.insert(family.clone()) => {
                found.push((place, format!("`{family}` stands twice"), "write each family once".to_owned()));
            }
            None => {}
        }
    }
    for (place, range) in items("loadBalancerSourceRanges") {
        if !is_network(range.trim()) {
            found.push((
                place,
                format!("`{range}` is no network"),
                "write for example 10.0.0.0/8, or 10.1.2.3/32 for one address".to_owned(),
            ));
        }
    }
    for (place, address) in items("externalIPs") {
        let help = "write an address that leads to the nodes from outside".to_owned();
        match address.parse::<IpAddr>() {
            Err(_) => found.push((place, format!("`{address}` is no address"), help)),
            Ok(parsed) if is_local(parsed) => found.push((place, format!("`{address}` cannot be reached from outside"), help)),
            Ok(_) => {}
        }
    }
    found.extend(text("loadBalancerClass").and_then(|class| key_problem("/loadBalancerClass".to_owned(), class)));
    let seconds = section.pointer("/sessionAffinityConfig/clientIP/timeoutSeconds").and_then(Value::as_i64);
    if let Some(seconds) = seconds.filter(|seconds| !(1..=LONGEST_AFFINITY).contains(seconds)) {
        let help = format!("write a number from 1 to {LONGEST_AFFINITY}");
        found.push(("/sessionAffinityConfig/clientIP/timeoutSeconds".to_owned(), format!("{seconds} seconds cannot be kept"), help));
    }
    for (index, port) in section.get("customPorts").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let place = |field: &str| format!("/customPorts/{index}/{field}");
        let text = |field: &str| port.get(field).and_then(Value::as_str);
        found.extend(text("protocol").and_then(|word| word_problem(&place("protocol"), word, &["TCP", "UDP", "SCTP"])));
        found.extend(text("appProtocol").and_then(|protocol| key_problem(place("appProtocol"), protocol)));
    }
    found
}

fn word_problem(place: &str, word: &str, allowed: &[&str]) -> Option<Finding> {
    if allowed.contains(&word) {
        return None;
    }
    let help = nearest(word, allowed.iter().copied())
        .map_or_else(|| format!("write one of {}", allowed.join(", ")), |near| format!("did you mean {near}?"));
    Some((place.to_owned(), format!("`{word}` means nothing here"), help))
}

fn key_problem(place: String, text: &str) -> Option<Finding> {
    (!is_key(text)).then(|| (place, format!("`{text}` has not the form of a name"), "write NAME or PREFIX/NAME".to_owned()))
}

fn is_network(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| address_bits(address).is_some_and(|most| is_prefix_length(bits, most)))
}

/// Addresses that the API server refuses as external: unspecified, loopback, link-local.
fn is_local(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => (address.segments()[0] & 0xffc0) == 0xfe80,
    };
    let multicast = match address {
        IpAddr::V4(address) => address.octets()[..3] == [224, 0, 0],
        IpAddr::V6(address) => (address.segments()[0] & 0xff0f) == 0xff02,
    };
    address.is_unspecified() || address.is_loopback() || link_local || multicast
}

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;

    #[test]
    fn values_as_the_server_takes_them() {
        let of = |text: &str| findings(&format!("  postgresServices: {{primary: {{type: LoadBalancer, {text}}}}}"));
        let place = "bad-service-value /spec/postgresServices/primary";
        for (text, at) in [
            ("internalTrafficPolicy: local", "/internalTrafficPolicy"),
            ("ipFamilies: [IPv4, IPv4]", "/ipFamilies/1"),
            ("loadBalancerSourceRanges: [10.0.0.1]", "/loadBalancerSourceRanges/0"),
            ("externalIPs: [127.0.0.1]", "/externalIPs/0"),
            ("loadBalancerClass: A B", "/loadBalancerClass"),
            (
                "sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}",
                "/sessionAffinityConfig/clientIP/timeoutSeconds",
            ),
            ("customPorts: [{port: 80, protocol: TPC}]", "/customPorts/0/protocol"),
        ] {
            assert_eq!(of(text), [format!("{place}{at}")], "{text}");
        }
        let fine = "ipFamilies: [IPv6], ipFamilyPolicy: SingleStack, loadBalancerSourceRanges: ['fd00::/8'], externalIPs: [192.0.2.1], customPorts: [{port: 80, appProtocol: kubernetes.io/h2c}]";
        assert_eq!(of(fine), [""; 0]);
    }
}
