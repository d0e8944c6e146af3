// An OpenID provider for the tests: npm's oidc-provider, which is certified, with its own pages to sign in and to consent.
// node provider.mjs REDIRECT_URL AUDIENCE: prints its issuer. Its tokens are for AUDIENCE, whichever client asks.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [redirect, audience] = process.argv.slice(2);
// Another site than the console, as a provider is: cookies that must come along show that they do.
const host = '127.0.0.2';
// What somebody is follows from the name that they sign in with.
const groups = { pat: ['Canteen', 'HR partners'], ana: ['Analysts'], noel: ['Canteen'] };

const client = (client_id) => ({
  client_id,
  client_secret: 'a secret of the tests/+=',
  redirect_uris: [redirect],
  response_types: ['code'],
  grant_types: ['authorization_code'],
});

const server = createServer();
server.listen(0, host, () => {
  const issuer = `http://${host}:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [client('flight-risk'), client('another')],
    claims: { openid: ['sub'], groups: ['groups'] },
    // Groups stand in the id_token, as they do at the providers of companies.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    cookies: { keys: ['a key of the tests'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, groups: groups[id] ?? [] }) }),
  });
  const signed = provider.IdToken.prototype.issue;
  provider.IdToken.prototype.issue = async function issue(options) {
    this.client = await provider.Client.find(audience);
    return signed.call(this, options);
  };
  server.on('request', provider.callback());
  console.log(issuer);
});
