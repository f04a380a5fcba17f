//! Configurations are refused with reasons, or taken.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::configuration(data));
