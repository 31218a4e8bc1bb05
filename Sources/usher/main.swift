import ArgumentParser
import Configuration
import Yams
print("usher")
