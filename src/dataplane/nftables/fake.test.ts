// The fake keeps the contract that the kernel keeps.
import { fakeNftables } from './fake.ts';
import { testNftablesPort } from './port-contract.ts';

testNftablesPort('fake', (body) => {
  using port = fakeNftables();
  body(port);
});
