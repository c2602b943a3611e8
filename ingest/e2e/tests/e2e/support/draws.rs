//! Random choices that can be repeated.

/// The variable that repeats the choices of an earlier run.
const SEED_VARIABLE: &str = "HEADWATER_E2E_SEED";

/// A generator of random numbers (SplitMix64) for choices, not for secrets.
#[derive(Clone)]
pub(crate) struct Draws(u64);

impl Draws {
    /// A generator with the seed of the environment, or a new one; it is printed, to repeat the run.
    pub(crate) fn printed() -> Self {
        let seed = match std::env::var(SEED_VARIABLE) {
            Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("{SEED_VARIABLE} is not a number: {seed}")),
            Err(_) => {
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                now.subsec_nanos().into()
            }
        };
        println!("{SEED_VARIABLE}={seed} repeats the choices of this run");
        Self(seed)
    }

    /// Another generator, for a part of the test that draws on its own.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }
}

/// Scatters the bits of a number.
pub(crate) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
