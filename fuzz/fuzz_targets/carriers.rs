//! Multipart bodies and protocol buffers are read alike however they are cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::carriers(data));
