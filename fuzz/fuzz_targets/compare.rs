//! What a comparison of two tables says against what they answer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ingress_fuzz::compare(data));
