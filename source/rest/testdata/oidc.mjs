// An OIDC provider with a confidential client that may ask for tokens of its own
// (client credentials), and another, "signer", that signs what it asks with.
// Arguments: folder of node_modules, port, client id, client secret, seconds that
// a token lives, the signer's public key as a JWK.
import { pathToFileURL } from 'node:url';
import { createRequire } from 'node:module';

const [modules, port, id, secret, seconds, jwk] = process.argv.slice(2);
const entry = createRequire(modules + '/').resolve('oidc-provider');
const { default: Provider } = await import(pathToFileURL(entry));

const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{
    client_id: id,
    client_secret: secret,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: 'read',
  }, {
    client_id: 'signer',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [JSON.parse(jwk)] },
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: 'read',
  }],
  scopes: ['openid', 'read', 'write'],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
  },
  ttl: { ClientCredentials: Number(seconds) },
});
provider.listen(Number(port), '127.0.0.1');
