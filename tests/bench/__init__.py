"""What a cold start and a warm call cost, per function, in the images under Lambda's emulator."""
