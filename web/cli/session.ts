import { InferenceSession, type SessionOptions, type Source } from './index.js';

/** Calls the body with a session, which is released whatever happens. */
export async function withSession<T>(
  model: Source,
  body: (session: InferenceSession) => Promise<T>,
  externalData?: SessionOptions['externalData'],
): Promise<T> {
  const session = await InferenceSession.create(model, { externalData });
  try {
    return await body(session);
  } finally {
    await session.release();
  }
}
