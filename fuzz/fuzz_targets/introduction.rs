//! A PROXY header is read the same however it comes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::introduction(data));
