use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Result;
#[derive(Clone, Debug)]
pub(crate) struct StoreSessions(Arc<Mutex<HashMap<Id, Record>>>);
impl StoreSessions {
    pub(crate) fn new(_: Arc<crate::store::Store>, _: &crate::config::Console) -> Self {
        Self(Arc::default())
    }
}
#[tonic::async_trait]
impl tower_sessions::SessionStore for StoreSessions {
    async fn save(&self, r: &Record) -> Result<()> {
        self.0.lock().unwrap().insert(r.id, r.clone());
        Ok(())
    }
    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        Ok(self.0.lock().unwrap().get(id).cloned())
    }
    async fn delete(&self, id: &Id) -> Result<()> {
        self.0.lock().unwrap().remove(id);
        Ok(())
    }
}
