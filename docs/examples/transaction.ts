// Money moves from one account to another, or it does not: ROLLBACK when the function throws.
import { createPool } from '../../server/index.ts'

const pool = await createPool({ path: 'bank.sqlite' })

await pool.transaction(async (db) => {
  await db.exec(`
    DROP TABLE IF EXISTS account;
    CREATE TABLE account (
      owner TEXT PRIMARY KEY,
      cents INTEGER NOT NULL CHECK (cents >= 0)
    ) STRICT;
    INSERT INTO account VALUES ('ada', 10000), ('ben', 0)`)
})

interface Transfer {
  readonly from: string
  readonly to: string
  readonly cents: number
}

async function transfer({ from, to, cents }: Transfer): Promise<void> {
  await pool.transaction(
    async (db) => {
      const add = db.prepare('UPDATE account SET cents = cents + ? WHERE owner = ?')
      await add.run(cents, to)
      await add.run(-cents, from)
    },
    // Callers that wait behind this one, and the dashboard, see the label.
    { label: 'transfer' },
  )
}

await transfer({ from: 'ada', to: 'ben', cents: 2500 })

try {
  await transfer({ from: 'ben', to: 'ada', cents: 9900 })
} catch (error) {
  // What ada had got already was taken back.
  console.log('refused:', (error as { code: string }).code)
}

// Twenty at once: there is one writer, each waits for its turn, and none fails with SQLITE_BUSY.
const one = { from: 'ada', to: 'ben', cents: 100 }
await Promise.all(Array.from({ length: 20 }, () => transfer(one)))

console.log(await pool.all('SELECT * FROM account ORDER BY owner'))
await pool.close()

// Prints:
// refused: SQLITE_CONSTRAINT_CHECK
// [ { owner: 'ada', cents: 5500 }, { owner: 'ben', cents: 4500 } ]
