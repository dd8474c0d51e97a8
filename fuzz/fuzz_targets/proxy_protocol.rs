//! Headers of the PROXY protocol, cut anywhere and written again.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ingress_fuzz::proxy_protocol(data));
