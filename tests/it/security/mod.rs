//! What an attacker would try: docs/security.md lists the classes, and which test holds each. `tests/security` runs them all.

mod classes;
mod corpus;
mod planted;
mod program;
mod routes;
mod secrets;
mod verbs;
mod world;
