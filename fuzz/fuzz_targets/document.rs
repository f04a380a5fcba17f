//! The text of a PDF document is the same however it is cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::document(data));
