//! The faults, one a file. Each names the check that has to catch it; `tests/it/self_test.rs` lists the checks
//! that none proves, with reasons. A new one: a file, its `mod` and its line in [`FAULTS`].

mod ageing_issuer;
mod alert;
mod anonymous_client_let_in;
mod client_certificate_served;
mod closed;
mod copied_key;
mod damaged_chain;
mod damaged_secret;
mod dead_port;
mod deaf_port;
mod empty_cluster;
mod empty_folder;
mod empty_list;
mod empty_pattern;
mod ended_list;
mod endless_banner;
mod expired;
mod expired_file;
mod expired_root;
mod expired_secret;
mod expiring_client;
mod foreign_root;
mod forgotten_node;
mod half_record;
mod missing_file;
mod missing_intermediate;
mod missing_staple;
mod mixed_up_key;
mod nearly_expired;
mod not_a_certificate;
mod not_reloaded;
mod not_yet_valid;
mod old_tls;
mod open_client_key;
mod pipelined_starttls;
mod plain_http;
mod refused_client;
mod reset;
mod revoked;
mod self_signed;
mod sha1_signature;
mod short_key;
mod short_key_on_disk;
mod short_lived;
mod silent_network;
mod slow_drip;
mod sound;
mod stalled_renewal;
mod stranger_in_chain;
mod stripped_starttls;
mod tarpit;
mod truncated_pem;
mod wrong_key;
mod wrong_name;

use super::fault::Fault;

/// What is sound: of this nothing may be said.
pub static SOUND: [&Fault; 2] = [&sound::SERVER, &sound::FILE];

/// The faults, in the order in which they are shown.
pub static FAULTS: &[&Fault] = &[
    &expired::FAULT,
    &nearly_expired::FAULT,
    &short_lived::FAULT,
    &not_yet_valid::FAULT,
    &ageing_issuer::FAULT,
    &wrong_name::FAULT,
    &missing_intermediate::FAULT,
    &self_signed::FAULT,
    &expired_root::FAULT,
    &foreign_root::FAULT,
    &wrong_key::FAULT,
    &damaged_chain::FAULT,
    &stranger_in_chain::FAULT,
    &client_certificate_served::FAULT,
    &short_key::FAULT,
    &short_key_on_disk::FAULT,
    &sha1_signature::FAULT,
    &missing_staple::FAULT,
    &revoked::FAULT,
    &dead_port::FAULT,
    &deaf_port::FAULT,
    &tarpit::FAULT,
    &slow_drip::FAULT,
    &half_record::FAULT,
    &reset::FAULT,
    &closed::FAULT,
    &alert::FAULT,
    &endless_banner::FAULT,
    &plain_http::FAULT,
    &stripped_starttls::FAULT,
    &pipelined_starttls::FAULT,
    &old_tls::FAULT,
    &not_reloaded::FAULT,
    &anonymous_client_let_in::FAULT,
    &refused_client::FAULT,
    &expiring_client::FAULT,
    &open_client_key::FAULT,
    &mixed_up_key::FAULT,
    &copied_key::FAULT,
    &forgotten_node::FAULT,
    &truncated_pem::FAULT,
    &expired_file::FAULT,
    &not_a_certificate::FAULT,
    &missing_file::FAULT,
    &empty_pattern::FAULT,
    &empty_folder::FAULT,
    &empty_list::FAULT,
    &stalled_renewal::FAULT,
    &ended_list::FAULT,
    &expired_secret::FAULT,
    &damaged_secret::FAULT,
    &empty_cluster::FAULT,
    &silent_network::FAULT,
];
