//! A hello is read the same however it comes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::hello(data));
