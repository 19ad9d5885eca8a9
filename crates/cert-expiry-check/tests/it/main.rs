//! The real binary against a farm of servers on loopback, and against files.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod agreement;
mod command_line;
mod corpus;
mod delta_lists;
mod differential;
mod documentation;
mod endpoints;
mod files;
mod groups;
mod kubeconfig;
mod kubernetes;
mod legacy;
mod limits;
mod memory;
mod mutual_tls;
mod networks;
mod openssl;
mod outputs;
mod pki;
mod rare;
mod rate;
mod remote;
mod renew_due;
mod revocation;
mod second_key;
mod self_test;
mod shard;
mod starttls;
mod starttls_servers;
mod stores;
mod support;
mod troubles;
mod trust;
mod vectors;
mod waivers;
