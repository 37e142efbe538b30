// An OIDC provider for sign-ins: authorization code with PKCE and nothing else.
// Who is at the browser, what is said of them, and how they showed who they are
// stands in a JSON file that is read each time:
//   {"who": "u1", "amr": ["pwd"], "acr": "", "deny": false,
//    "accounts": {"u1": {"email": "...", "email_verified": true, "groups": []}}}
// Arguments: folder of node_modules, port, client id, client secret, redirect
// address, that file.
import { pathToFileURL } from 'node:url';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const [modules, port, id, secret, redirect, file] = process.argv.slice(2);
const entry = createRequire(modules + '/').resolve('oidc-provider');
const { default: Provider } = await import(pathToFileURL(entry));
const state = () => JSON.parse(readFileSync(file, 'utf8'));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: id,
    client_secret: secret,
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [redirect],
    require_auth_time: true,
  }],
  scopes: ['openid', 'email', 'profile', 'groups'],
  claims: { openid: ['sub', 'amr'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
  pkce: { required: () => true },
  acrValues: ['strong'],
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...state().accounts[sub] }) }),
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid email profile groups');
    await grant.save();
    return grant;
  },
});

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  const s = state();
  const result = s.deny
    ? { error: 'access_denied', error_description: 'the person went away' }
    : { login: { accountId: s.who, amr: s.amr, acr: s.acr || undefined } };
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
  ctx.respond = false;
});
provider.listen(Number(port), '127.0.0.1');
