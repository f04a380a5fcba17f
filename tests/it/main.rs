//! The promises of the product, one file each, kept over real sockets.
#![cfg(test)]
#![expect(unreachable_pub, reason = "a binary of tests has no outside")]

mod admin_api;
mod blocks;
mod bounded;
mod budgets;
mod carries;
mod commands;
mod drains;
mod every_way;
mod evidence;
mod floods;
mod forwards;
mod grpc;
mod grpc_ways;
mod harness;
mod http2;
mod identities;
mod issuers;
mod ledgers;
mod listeners;
mod oracle;
mod origins;
mod overlays;
mod policies;
mod posture;
mod promises;
mod promptly;
mod records;
mod redacts;
mod refuses;
mod reloads;
mod reveals;
mod samples;
mod shadows;
mod sinks;
mod streams;
mod tidy;
mod tools;
mod tunnels;
mod upstreams;
mod ways;
mod websocket;
mod websocket_ways;
mod withstands;
mod wrapped;
