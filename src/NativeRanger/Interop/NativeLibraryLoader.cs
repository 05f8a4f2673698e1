namespace NativeRanger.Interop;

/// <summary>libnativeranger, loaded once.</summary>
internal static class NativeLibraryLoader
{
    private static readonly NativeLibraryFile library = new()
    {
        Name = "nativeranger",
        OverrideVariable = "NATIVERANGER_LIBRARY",
        Bindings = typeof(NativeMethods),
        VersionFunction = nameof(NativeMethods.nr_abi_version),
        Version = (int)nr_abi.NR_ABI_VERSION,
        Alternative = "The managed path needs no native library: bind with Backend.Managed from NativeRanger.Numerics.",
    };

    /// <summary>The absolute path of the loaded library.</summary>
    /// <exception cref="NativeLibraryException">It cannot be used.</exception>
    public static string LibraryPath => library.LoadedPath;

    /// <summary>Loads the library once; the same exception each time it cannot be used.</summary>
    public static void EnsureLoaded() => library.EnsureLoaded();
}
