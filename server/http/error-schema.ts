import { Type } from 'typebox'
import { errorTable } from './error-table.ts'

/** `ErrorEnvelope` for the API's description. */
export const errorSchema = Type.Object(
  {
    error: Type.Object(
      {
        code: Type.Enum(Object.keys(errorTable)),
        message: Type.String(),
        requestId: Type.String({ description: 'Find the failure in the log by it.' }),
        retryable: Type.Boolean({ description: 'The same request may succeed later.' }),
        outcome: Type.Optional(
          Type.Enum(['not_started', 'rolled_back', 'unknown'], {
            description: 'What became of a write.',
          }),
        ),
        details: Type.Optional(Type.Object({}, { additionalProperties: true })),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false, description: 'Every answer that is not a success.' },
)
