import { LateCheckout } from "../../components/late-checkout";

export default function Page() {
  return <LateCheckout priceId="price_starter_monthly" />;
}
