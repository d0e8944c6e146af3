//! Passwords of accounts: kept as argon2id hashes with the parameters that OWASP asks for ("Password Storage Cheat Sheet"), so
//! that whoever steals the store needs about as long for each guess as this server does.

use std::fmt;

use argon2::password_hash::{self, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::random::{self, NoRandomness};

/// Fewest characters of a password.
pub const MIN_PASSWORD_CHARS: usize = 12;
/// Longest password, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 256;

/// Memory of a hash, in KiB.
const MEMORY_KIB: u32 = 19_456;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes, one after the other.
const LANES: u32 = 1;
/// Random bytes of a salt.
const SALT_BYTES: usize = 16;
/// What generated passwords are made of: 32 signs that nobody takes for one another, five bits each.
const SIGNS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Signs of a generated password: 100 bits.
const GENERATED_SIGNS: usize = 20;
/// Signs between two hyphens.
const GROUP_SIGNS: usize = 5;

/// Of no password at all; compared where nobody has a name, so that the answer takes as long as for somebody's wrong password.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlzIQ$kBHZ5Gcfbn0kqs0uUCM+PqPBGRAL8bE5IVn8q3n4nIE";

/// Why a password cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too few characters.
    #[error("the password is too short: {MIN_PASSWORD_CHARS} characters or more are needed")]
    Short,
    /// Too many bytes.
    #[error("the password is too long: at most {MAX_PASSWORD_BYTES} bytes are taken")]
    Long,
    /// A line break or the like, which nobody can type again.
    #[error("the password holds a control character, such as a tab or a line break")]
    Control,
    /// No salt.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The function itself.
    #[error("the password cannot be hashed: {0}")]
    Hash(#[from] password_hash::Error),
}

/// A password that somebody may have.
#[derive(Clone)]
pub struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

impl Password {
    /// One that somebody chose.
    ///
    /// # Errors
    /// [`PasswordError`] says what is wrong with it.
    pub fn new(text: String) -> Result<Self, PasswordError> {
        if text.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordError::Long);
        }
        if text.chars().count() < MIN_PASSWORD_CHARS {
            return Err(PasswordError::Short);
        }
        if text.chars().any(char::is_control) {
            return Err(PasswordError::Control);
        }
        Ok(Self(text))
    }

    /// A random one.
    ///
    /// # Errors
    /// [`PasswordError::Random`] when the system gives no random numbers.
    pub fn generate() -> Result<Self, PasswordError> {
        let bytes: [u8; GENERATED_SIGNS] = random::bytes()?;
        let signs: Vec<char> = bytes
            .iter()
            .filter_map(|byte| SIGNS.get(usize::from(*byte) % SIGNS.len()))
            .map(|sign| char::from(*sign))
            .collect();
        let groups: Vec<String> = signs.chunks(GROUP_SIGNS).map(|group| group.iter().collect()).collect();
        Ok(Self(groups.join("-")))
    }

    /// The password, to be shown once to whoever made it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it. Takes some 20 ms of a core.
    ///
    /// # Errors
    /// [`PasswordError`] when it cannot be hashed.
    pub fn hash(&self) -> Result<PasswordHash, PasswordError> {
        let salt: [u8; SALT_BYTES] = random::bytes()?;
        let salt = SaltString::encode_b64(&salt)?;
        Ok(PasswordHash(argon2id()?.hash_password(self.0.as_bytes(), &salt)?.to_string()))
    }
}

/// What is kept of a password, with salt and parameters (PHC string).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

impl PasswordHash {
    /// As it was kept.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// As it is kept.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// That of nobody, which no password fits.
    pub(crate) fn nobodys() -> Self {
        Self(NOBODYS.to_owned())
    }

    /// Whether a password is the one. Takes some 20 ms of a core, right or wrong.
    pub(crate) fn fits(&self, password: &str) -> bool {
        let Ok(hash) = password_hash::PasswordHash::new(&self.0) else { return false };
        // The parameters are those of the hash, so that others can be chosen later.
        argon2id().is_ok_and(|argon2| argon2.verify_password(password.as_bytes(), &hash).is_ok())
    }
}

fn argon2id() -> Result<Argon2<'static>, password_hash::Error> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(MEMORY_KIB, PASSES, LANES, None)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_a_length_that_is_not_guessed_and_can_be_typed() {
        for (text, good) in [
            ("", false),
            ("elevenchars", false),
            ("twelve chars", true),
            ("zwölf Zeichen", true),
            ("ööööööööööö", false),
            ("twelve\tchars.", false),
            (&"x".repeat(MAX_PASSWORD_BYTES), true),
            (&"x".repeat(MAX_PASSWORD_BYTES + 1), false),
        ] {
            assert_eq!(Password::new(text.to_owned()).is_ok(), good, "{text}");
        }
        assert!(!format!("{:?}", Password::new("twelve chars".into())).contains("twelve"));
    }

    #[test]
    fn only_the_password_fits_its_hash() {
        let password = Password::generate().unwrap();
        assert_eq!(password.reveal().len(), 23, "20 signs and 3 hyphens");
        assert_ne!(Password::generate().unwrap().reveal(), password.reveal());
        let hash = password.hash().unwrap();
        assert!(hash.text().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.text());
        assert_ne!(password.hash().unwrap(), hash, "another salt");
        assert!(hash.fits(password.reveal()));
        for wrong in ["", &password.reveal()[1..], &password.reveal().to_uppercase()] {
            assert!(!hash.fits(wrong), "{wrong}");
        }
        assert!(!PasswordHash::stored("damaged".into()).fits("damaged"));
    }

    #[test]
    fn nobodys_hash_fits_nothing_and_is_checked_like_anybodys() {
        let (nobodys, somebodys) =
            (PasswordHash::nobodys(), Password::new("twelve chars".into()).unwrap().hash().unwrap());
        let parts = |hash: &PasswordHash| {
            let read = password_hash::PasswordHash::new(hash.text()).unwrap();
            let lengths = (read.salt.unwrap().len(), read.hash.unwrap().len());
            (read.algorithm.to_string(), read.version, read.params.to_string(), lengths)
        };
        assert_eq!(parts(&nobodys), parts(&somebodys));
        assert!(!nobodys.fits("") && !nobodys.fits("wrong password"));
    }
}
