//! The verifier signs for nothing that was not written.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::trail(data));
