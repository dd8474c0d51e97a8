//! The lookup against its reference.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ingress_fuzz::lookup(data));
