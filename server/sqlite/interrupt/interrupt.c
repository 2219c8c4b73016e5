/*
** Ends a running statement of one connection from the thread of another. The driver has no way to do this.
**
** One library serves all threads of the process, so the connections stand in one table under one mutex. A
** connection leaves the table before its handle is freed (its functions are destroyed first), so an interrupt
** never meets a handle that is gone.
*/
#include <pthread.h>
#include "sqlite3ext.h"
SQLITE_EXTENSION_INIT1

#define SLOT_COUNT 1024
#define GENERATION_COUNT 0x200000

typedef struct Slot {
  sqlite3 *db;
  /* Counts its connections, so that the number of one that is gone is not that of the next in its place. */
  int generation;
} Slot;

static Slot slots[SLOT_COUNT];
static pthread_mutex_t slotsMutex = PTHREAD_MUTEX_INITIALIZER;

static int numberOf(const Slot *slot) {
  return slot->generation * SLOT_COUNT + (int)(slot - slots);
}

/* The address of a connection's slot is what its functions are created with. */
static void slotNumber(sqlite3_context *context, int argc, sqlite3_value **argv) {
  (void)argc;
  (void)argv;
  sqlite3_result_int(context, numberOf((Slot *)sqlite3_user_data(context)));
}

static void interruptSlot(sqlite3_context *context, int argc, sqlite3_value **argv) {
  sqlite3_int64 number = sqlite3_value_int64(argv[0]);
  int isDone = 0;
  (void)argc;
  if (number >= 0) {
    Slot *slot = &slots[number % SLOT_COUNT];
    pthread_mutex_lock(&slotsMutex);
    if (slot->db != 0 && numberOf(slot) == number) {
      sqlite3_interrupt(slot->db);
      isDone = 1;
    }
    pthread_mutex_unlock(&slotsMutex);
  }
  sqlite3_result_int(context, isDone);
}

static void freeSlot(void *slot) {
  pthread_mutex_lock(&slotsMutex);
  ((Slot *)slot)->db = 0;
  pthread_mutex_unlock(&slotsMutex);
}

static Slot *takeSlot(sqlite3 *db) {
  Slot *slot = 0;
  int i;
  pthread_mutex_lock(&slotsMutex);
  for (i = 0; i < SLOT_COUNT && slot == 0; i++) {
    if (slots[i].db == 0) slot = &slots[i];
  }
  if (slot != 0) {
    slot->db = db;
    slot->generation = (slot->generation + 1) % GENERATION_COUNT;
  }
  pthread_mutex_unlock(&slotsMutex);
  return slot;
}

#ifdef _WIN32
__declspec(dllexport)
#endif
int sqlite3_extension_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  const int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
  Slot *slot;
  int status;
  SQLITE_EXTENSION_INIT2(api);
  slot = takeSlot(db);
  if (slot == 0) {
    *error = sqlite3_mprintf("all %d slots are taken", SLOT_COUNT);
    return SQLITE_ERROR;
  }
  /* Its destructor is called in any case, when this fails too. */
  status = sqlite3_create_function_v2(db, "glasspool_slot", 0, flags, slot, slotNumber, 0, 0, freeSlot);
  if (status != SQLITE_OK) return status;
  status =
      sqlite3_create_function_v2(db, "glasspool_interrupt", 1, flags, 0, interruptSlot, 0, 0, 0);
  /* Unloaded with the last connection, it could be gone while another thread is just loading it. */
  return status == SQLITE_OK ? SQLITE_OK_LOAD_PERMANENTLY : status;
}
