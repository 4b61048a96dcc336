"""The pages that customers see: Checkout and the Customer Portal."""
