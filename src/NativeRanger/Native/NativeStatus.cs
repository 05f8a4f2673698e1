using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>Maps statuses of the native library to exceptions; checked in every build.</summary>
internal static unsafe class NativeStatus
{
    public static void Check(int status)
    {
        if (status != (int)nr_status_code.NR_OK)
        {
            throw Failure(status);
        }
    }

    /// <summary>The exception of a status of the C contract.</summary>
    public static Exception Failure(int status) =>
        Failure(status, new(NativeMethods.nr_status_text(status)), new string(NativeMethods.nr_status_name(status)));

    /// <summary>The same in the words of a layer that has the statuses too.</summary>
    public static Exception Failure(int status, string text, string name)
    {
        var message = $"The native library refused the call: {text} ({name}).";
        return (nr_status_code)status switch
        {
            nr_status_code.NR_E_NULL => new ArgumentNullException(null, message),
            nr_status_code.NR_E_LENGTH or nr_status_code.NR_E_OVERLAP or nr_status_code.NR_E_TYPE =>
                new ArgumentException(message),
            nr_status_code.NR_E_OPTION => new ArgumentOutOfRangeException(null, message),
            nr_status_code.NR_E_OVERFLOW => new OverflowException(message),
            nr_status_code.NR_E_ISA => new PlatformNotSupportedException(message),
            _ => new NativeLibraryException(message),
        };
    }
}
