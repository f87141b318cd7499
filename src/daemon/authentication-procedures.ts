import type { authenticationProcedures, Handlers } from "../protocol/index.ts";
import type { SessionContext } from "./session-procedures.ts";

/** Nobody acts for others. */
type Answered = Pick<typeof authenticationProcedures, "authSaslInit" | "authSaslStart" | "authSaslStep" | "authPolkit">;

export const authenticationHandlers: Handlers<Answered, SessionContext> = {
  authSaslInit: (_, { session }) => ({ mechlist: session.logIn.offered }),
  authSaslStart: ({ mech, nil, data }, { session }) => session.logIn.start(mech, nil === 0 ? data : null),
  authSaslStep: ({ data }, { session }) => session.logIn.step(data),
  authPolkit: async (_, { session }) => {
    await session.polkit.ask();
    return { complete: 1 };
  },
};
